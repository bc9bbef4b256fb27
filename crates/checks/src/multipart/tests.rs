use proptest::prelude::*;

use super::*;

/// What a body holds: heads and contents, in order.
type Parts = Vec<(PartHead, Vec<u8>)>;

fn boundary() -> Boundary {
    Boundary::parse(b"multipart/form-data; boundary=b").unwrap()
}

fn read_pieces<'a>(pieces: impl IntoIterator<Item = &'a [u8]>, bounds: Bounds) -> Result<Parts, Violation> {
    let mut parser = Parser::new(&boundary(), bounds);
    let mut parts: Parts = Vec::new();
    for piece in pieces {
        parser.feed(piece);
        while let Some(event) = parser.next()? {
            match event {
                Event::Part(head) => parts.push((head, Vec::new())),
                Event::Data(data) => parts.last_mut().unwrap().1.extend_from_slice(&data),
                Event::PartEnd | Event::End => {}
            }
        }
    }
    parser.finish().map(|()| parts)
}

fn read(body: &[u8]) -> Result<Parts, Violation> {
    let whole = read_pieces([body], Bounds::default());
    let single = read_pieces(body.chunks(1), Bounds::default());
    assert_eq!(whole, single, "one reading, however it arrives");
    whole
}

/// A body of one part with these header lines.
fn with_head(lines: &str) -> Vec<u8> {
    format!("--b\r\n{lines}\r\n\r\ncontent\r\n--b--\r\n").into_bytes()
}

const FIELD: &str = "Content-Disposition: form-data; name=\"f\"";

#[test]
fn parts_are_read() {
    let body = b"--b\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\none\r\n--b\r\n\
        content-disposition: Form-Data; name=f; filename=\"x.png\"\r\nContent-Type: image/PNG\r\n\
        Content-Length: 4\r\nX-Own: 1\r\n\r\n\r\n-\r\n\r\n--b\r\nContent-Disposition: form-data; name=e\r\n\r\n\r\n--b--";
    let parts = read(body).unwrap();
    assert_eq!(parts[0], (PartHead { name: "a".into(), ..PartHead::default() }, b"one".to_vec()));
    assert_eq!(parts[1].0.file_name.as_deref(), Some("x.png"));
    assert_eq!(parts[1].0.media.as_ref().unwrap().essence, "image/png");
    assert_eq!(parts[1].1, b"\r\n-\r\n");
    assert_eq!(parts[2].1, b"");
    assert_eq!(read(b"--b--\r\n"), Ok(vec![]), "a form without fields");
    assert_eq!(read(b"\r\n--b--"), Ok(vec![]));
}

#[test]
fn what_could_be_read_twice_is_refused() {
    use Violation as V;
    let long = format!("--b\r\n{FIELD}\r\nX: {}\r\n\r\n", "x".repeat(5000));
    let rows: &[(&[u8], Violation)] = &[
        // No end.
        (b"", V::Unfinished),
        (b"--b", V::Unfinished),
        (b"--b\r\nContent-Disposition: form-data; name=a\r\n\r\nx", V::Unfinished),
        (b"--b\r\nContent-Disposition: form-data; name=a\r\n\r\nx\r\n--b", V::Unfinished),
        (b"--b\r\nContent-Disposition: form-data; name=a\r\n\r\nx\r\n--b\r\n", V::Unfinished),
        // Before and after.
        (b"hello\r\n--b--", V::Preamble),
        (b"\n--b--", V::Preamble),
        (b"\r\n\r\n--b--", V::Preamble),
        (b"--c--", V::Preamble),
        (b"--b--\r\nmore", V::Epilogue),
        (b"--b--\r\n\r\n", V::Epilogue),
        (b"--b--\n", V::Epilogue),
        (b"--b--\r", V::Epilogue),
        (b"--b--\r\n--b--", V::Epilogue),
        // Delimiters that are none.
        (b"--b\nContent-Disposition: form-data; name=a\n\nx\n--b--\n", V::DelimiterDoubtful),
        (b"--b \r\nContent-Disposition: form-data; name=a\r\n\r\nx\r\n--b--", V::DelimiterDoubtful),
        (b"--b\r\nContent-Disposition: form-data; name=a\r\n\r\nx\n--b--", V::DelimiterDoubtful),
        (b"--b\r\nContent-Disposition: form-data; name=a\r\n\r\nx\r--b--", V::DelimiterDoubtful),
        (b"--b\r\nContent-Disposition: form-data; name=a\r\n\r\nx\r\n--bc\r\n--b--", V::DelimiterDoubtful),
        (b"--b\r\nContent-Disposition: form-data; name=a\r\n\r\n--b--", V::DelimiterDoubtful),
        (b"--b\r\nContent-Disposition: form-data; name=a\r\n\r\nx\r\n--b-\r\n", V::DelimiterDoubtful),
        // Heads.
        (b"--b\r\n\r\nx\r\n--b--", V::Disposition),
        (long.as_bytes(), V::HeadTooLong),
    ];
    for (body, violation) in rows {
        assert_eq!(read(body), Err(*violation), "{}", String::from_utf8_lossy(body));
    }
    assert_eq!(
        read(b"--b\r\nContent-Disposition: form-data; name=a\r\n\r\nx--b--y\r\n--b--").unwrap()[0].1,
        b"x--b--y"
    );
}

#[test]
fn heads_have_one_reading() {
    use Violation as V;
    let rows: &[(&str, Violation)] = &[
        ("Content-Type: text/plain", V::Disposition),
        ("Content-Disposition: attachment; name=f", V::Disposition),
        ("Content-Disposition: form-data", V::Disposition),
        ("Content-Disposition: form-data; filename=f", V::Disposition),
        ("Content-Disposition: form-data; name=\"\"", V::Disposition),
        ("Content-Disposition: form-data; name=f; name=g", V::Repeated),
        ("Content-Disposition: form-data; name=f; NAME=g", V::Repeated),
        ("Content-Disposition: form-data; name=f; filename=a; filename=b", V::Repeated),
        ("Content-Disposition: form-data; name=f; filename=a; filename*=UTF-8''b", V::FileNames),
        ("Content-Disposition: form-data; name=f; filename*=UTF-7''b", V::Name),
        ("Content-Disposition: form-data; name=f; filename*=iso-8859-1''%e4", V::Name),
        ("Content-Disposition: form-data; name=f; filename*=UTF-8''%c0%af", V::Name),
        ("Content-Disposition: form-data; name=f; filename*=UTF-8''a%0d%0ab", V::Name),
        ("Content-Disposition: form-data; name=f; filename*=UTF-8''a%00.png", V::Name),
        ("Content-Disposition: form-data; name=f; filename*=UTF-8''a%zz", V::Name),
        ("Content-Disposition: form-data; name=f; filename*0=a; filename*1=b", V::Name),
        ("Content-Disposition: form-data; name*=UTF-8''f", V::Name),
        ("Content-Disposition: form-data; name=\"f", V::Head),
        ("Content-Disposition: form-data; name=\"f\"x", V::Head),
        ("Content-Disposition: form-data; name=f;", V::Head),
        ("Content-Disposition: form-data; name = f", V::Head),
        ("Content-Disposition: form-data; name=f; filename=\"a\u{202e}gnp.exe\"", V::Name),
        ("Content-Disposition: form-data; name=\"f\0\"", V::Head),
        ("Content-Disposition: form-data; name=\"f\ng\"", V::Head),
        ("Content-Disposition: form-data;\r\n name=f", V::HeadFolded),
        ("Content-Disposition: form-data; name=f\r\nContent-Disposition: form-data; name=g", V::Repeated),
        ("Content-Disposition: form-data; name=f\r\nContent-Type: a/b\r\nContent-Type: c/d", V::Repeated),
        ("Content-Disposition: form-data; name=f\r\nContent-Type: image", V::Head),
        ("Content-Disposition: form-data; name=f\r\nContent-Type: text/plain; charset=a; charset=b", V::Head),
        ("Content-Disposition : form-data; name=f", V::Head),
        ("Content-Disposition", V::Head),
        ("Content-Disposition: form-data; name=f\r\nContent-Transfer-Encoding: base64", V::TransferEncoding),
        (
            "Content-Disposition: form-data; name=f\r\nContent-Transfer-Encoding: quoted-printable",
            V::TransferEncoding,
        ),
        ("Content-Disposition: form-data; name=f\r\nContent-Type: multipart/mixed; boundary=c", V::Nested),
    ];
    for (lines, violation) in rows {
        assert_eq!(read(&with_head(lines)), Err(*violation), "{lines}");
    }
    let many = (0..9).map(|number| format!("\r\nX-{number}: y")).collect::<String>();
    assert_eq!(read(&with_head(&format!("{FIELD}{many}"))), Err(V::HeadTooLong));
    assert_eq!(
        read(&with_head("Content-Disposition: form-data; name=\u{e4}")),
        Err(V::Head),
        "only in quotes"
    );
    let latin = b"--b\r\nContent-Disposition: form-data; name=\"\xe4\"\r\n\r\nx\r\n--b--";
    assert_eq!(read(latin), Err(V::Name), "not UTF-8");
}

#[test]
fn clients_of_others_are_understood() {
    let name = |lines: &str| read(&with_head(lines)).unwrap().remove(0).0.file_name.unwrap();
    let dotnet = "Content-Type: image/png\r\nContent-Disposition: form-data; name=f; \
        filename=\"=?utf-8?B?w6QucG5n?=\"; filename*=utf-8''%C3%A4.png";
    assert_eq!(name(dotnet), "\u{e4}.png");
    let plain = "Content-Disposition: form-data; name=f; filename=a.png; filename*=utf-8''a.png";
    assert_eq!(name(plain), "a.png");
    assert_eq!(name("Content-Disposition: form-data; name=\"f\"; filename*=utf-8'en'%C3%A4"), "\u{e4}");
    assert_eq!(
        name("Content-Disposition: form-data; name=\"f\"; filename=\"say \\\"hi\\\".txt\""),
        "say \"hi\".txt"
    );
    assert_eq!(
        name("Content-Disposition: form-data; name=\"f\"; filename=\"C:\\dir\\x.txt\""),
        "C:\\dir\\x.txt"
    );
    assert_eq!(name("Content-Disposition: form-data; name=\"f\"; filename=\"\""), "");
    let binary =
        "Content-Disposition: form-data; name=\"f\"; filename=a\r\nContent-Transfer-Encoding: binary";
    assert_eq!(name(binary), "a");
}

#[test]
fn the_boundary_is_one_and_plain() {
    use Violation as V;
    let parse = |text: &str| Boundary::parse(text.as_bytes()).map(|boundary| boundary.to_string());
    assert_eq!(
        parse("multipart/form-data; boundary=----WebKitFormBoundary7MA4YWxkTrZu0gW").unwrap().len(),
        37
    );
    assert_eq!(parse("Multipart/Form-Data;boundary=\"a b\"; charset=UTF-8"), Ok("a b".into()));
    let long = format!("multipart/form-data; boundary={}", "x".repeat(71));
    let rows = [
        ("multipart/mixed; boundary=b", V::ContentType),
        ("multipart/form-data", V::Boundary),
        ("multipart/form-data; charset=utf-8", V::Boundary),
        ("multipart/form-data; boundary=\"\"", V::Boundary),
        ("multipart/form-data; boundary=\"b \"", V::Boundary),
        ("multipart/form-data; boundary=\"b\\\"c\"", V::Boundary),
        ("multipart/form-data; boundary=b; boundary=c", V::Repeated),
        ("multipart/form-data; boundary*=utf-8''b", V::Boundary),
        ("multipart/form-data; boundary*0=b; boundary*1=c", V::Boundary),
        ("multipart/form-data; boundary=b; x=y", V::ContentType),
        ("multipart/form-data; boundary=b,c", V::ContentType),
        ("multipart/form-data; boundary=b; charset=utf-7", V::Charset),
        ("text/plain, multipart/form-data; boundary=b", V::ContentType),
        (&long, V::Boundary),
    ];
    for (text, violation) in rows {
        assert_eq!(parse(text), Err(violation), "{text}");
    }
}

#[test]
fn bounds_hold() {
    let part = format!("--b\r\n{FIELD}\r\n\r\n0123456789\r\n");
    let body = format!("{part}{part}--b--");
    let of = |bounds| read_pieces([body.as_bytes()], bounds);
    assert_eq!(of(Bounds::default()).unwrap().len(), 2);
    assert_eq!(of(Bounds { parts: 1, ..Bounds::default() }), Err(Violation::TooManyParts));
    assert_eq!(of(Bounds { part: 9, ..Bounds::default() }), Err(Violation::PartTooLong));
    assert!(of(Bounds { part: 10, ..Bounds::default() }).is_ok());
    assert_eq!(of(Bounds { head: 20, ..Bounds::default() }), Err(Violation::HeadTooLong));
}

#[test]
fn a_reader_that_failed_keeps_nothing() {
    let mut parser = Parser::new(&boundary(), Bounds::default());
    parser.feed(b"nonsense");
    assert_eq!(parser.next(), Err(Violation::Preamble));
    parser.feed(b"--b--");
    assert_eq!((parser.next(), parser.finish()), (Err(Violation::Preamble), Err(Violation::Preamble)));
}

fn parts() -> impl Strategy<Value = Parts> {
    let content = prop_oneof![
        prop::collection::vec(any::<u8>(), 0..80),
        prop::collection::vec(prop::sample::select(b"\r\n-bx".to_vec()), 0..40),
    ];
    let head = ("[a-z \u{e4}]{1,6}", prop::option::of("[a-z.\"\u{e4}]{0,6}"), any::<bool>());
    let head = head.prop_map(|(name, file_name, typed)| PartHead {
        name: name.replace('"', ""),
        file_name: file_name.map(|name| name.replace('"', "")),
        media: typed.then(|| Media { essence: "image/png".into(), charset: None }),
    });
    prop::collection::vec((head, content), 0..4)
}

fn write_parts(boundary: &Boundary, parts: &Parts) -> Vec<u8> {
    let mut body = Vec::new();
    for (index, (head, content)) in parts.iter().enumerate() {
        body.extend_from_slice(head.write(boundary, index == 0).as_bytes());
        body.extend_from_slice(content);
    }
    body.extend_from_slice(boundary.end(parts.is_empty()).as_bytes());
    body
}

proptest! {
    #[test]
    fn what_is_written_is_read_in_every_split(parts in parts(), cuts in prop::collection::vec(1_usize..40, 1..20)) {
        let body = write_parts(&boundary(), &parts);
        let is_clean = |content: &[u8]| {
            let framed = [b"\r\n", content, b"\r\n"].concat();
            ["\n--b", "\r--b"].iter().all(|bad| memchr::memmem::find(&framed, bad.as_bytes()).is_none())
        };
        let mut pieces: Vec<&[u8]> = Vec::new();
        let mut rest = body.as_slice();
        for cut in cuts.iter().cycle() {
            if rest.is_empty() { break }
            let (piece, left) = rest.split_at((*cut).min(rest.len()));
            pieces.push(piece);
            rest = left;
        }
        let read = read_pieces(pieces, Bounds::default());
        if parts.iter().all(|(_, content)| is_clean(content)) {
            prop_assert_eq!(read.as_ref(), Ok(&parts));
        }
        prop_assert_eq!(read, read_pieces([body.as_slice()], Bounds::default()));
    }

    #[test]
    fn every_split_of_any_bytes_reads_the_same(
        body in prop::collection::vec(prop::sample::select(vec![
            b"--b".to_vec(), b"\r\n".to_vec(), b"\n".to_vec(), b"--".to_vec(), b"x".to_vec(), FIELD.into(), b"\r\n\r\n".to_vec(),
        ]), 0..16),
        cut in 1_usize..9,
    ) {
        let body = body.concat();
        let whole = read_pieces([body.as_slice()], Bounds::default());
        prop_assert_eq!(whole, read_pieces(body.chunks(cut), Bounds::default()));
    }
}
