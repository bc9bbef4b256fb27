//! `multipart/form-data`: one reading however it arrives, and what is written from it reads the same.
#![no_main]

use gabion_checks::multipart::{Boundary, Bounds, Event, Parser, PartHead, Violation};
use libfuzzer_sys::fuzz_target;

type Parts = Vec<(PartHead, Vec<u8>)>;

fn read<'a>(boundary: &Boundary, pieces: impl Iterator<Item = &'a [u8]>) -> Result<Parts, Violation> {
    let mut parser = Parser::new(boundary, Bounds::default());
    let mut parts = Parts::new();
    for piece in pieces {
        parser.feed(piece);
        while let Some(event) = parser.next()? {
            match event {
                Event::Part(head) => parts.push((head, Vec::new())),
                Event::Data(data) => {
                    if let Some(part) = parts.last_mut() {
                        part.1.extend_from_slice(&data);
                    }
                }
                Event::PartEnd | Event::End => {}
            }
        }
    }
    parser.finish().map(|()| parts)
}

// First line: the content type; then a byte that says how the body is cut; then the body.
fuzz_target!(|bytes: &[u8]| {
    let Some(line) = bytes.iter().position(|byte| *byte == b'\n') else { return };
    let (field, rest) = bytes.split_at(line);
    let [_, size, body @ ..] = rest else { return };
    let Ok(boundary) = Boundary::parse(field) else { return };
    let whole = read(&boundary, std::iter::once(body));
    let cut = read(&boundary, body.chunks(usize::from(*size).max(1)));
    assert_eq!(whole, cut, "a split changes the reading");
    let Ok(parts) = whole else { return };
    let Ok(own) = Boundary::parse(b"multipart/form-data; boundary=gabion-0123456789abcdef0123456789abcdef")
    else {
        return;
    };
    let mut written = Vec::new();
    for (index, (head, content)) in parts.iter().enumerate() {
        // Percent signs stand for quotes; a name that holds the new boundary is not one anybody could send.
        written.extend_from_slice(head.write(&own, index == 0).as_bytes());
        written.extend_from_slice(content);
    }
    written.extend_from_slice(own.end(parts.is_empty()).as_bytes());
    if bytes.windows(6).any(|window| window == b"gabion") {
        return;
    }
    let again = read(&own, std::iter::once(written.as_slice()));
    let contents = |parts: &Parts| parts.iter().map(|(_, content)| content.clone()).collect::<Vec<_>>();
    assert_eq!(again.as_ref().map(contents), Ok(contents(&parts)), "what is written reads otherwise");
});
