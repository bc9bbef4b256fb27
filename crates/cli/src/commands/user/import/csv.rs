//! Comma-separated values (RFC 4180): fields may be quoted, quotes are doubled, lines may stand in quotes.

/// The records of a text with the line each begins on; none where a quote is not closed or stands inside an
/// unquoted field.
pub(super) fn records(text: &str) -> Vec<(usize, Option<Vec<String>>)> {
    let (mut out, mut line) = (Vec::new(), 1_usize);
    let mut letters = text.trim_start_matches('\u{feff}').chars().peekable();
    while letters.peek().is_some() {
        let (begin, mut fields, mut field) = (line, Vec::new(), String::new());
        let (mut quoted, mut was_quoted, mut sound) = (false, false, true);
        loop {
            match letters.next() {
                None => break,
                Some('\n') if !quoted => {
                    line = line.saturating_add(1);
                    break;
                }
                Some('"') if quoted && letters.peek() == Some(&'"') => {
                    letters.next();
                    field.push('"');
                }
                Some('"') if quoted => quoted = false,
                Some('"') if field.is_empty() && !was_quoted => (quoted, was_quoted) = (true, true),
                Some(',') if !quoted => {
                    fields.push(std::mem::take(&mut field));
                    was_quoted = false;
                }
                Some('\r') if !quoted && letters.peek() == Some(&'\n') => {}
                Some(letter) => {
                    sound &= letter != '"' && (quoted || !was_quoted);
                    line = line.saturating_add(usize::from(letter == '\n'));
                    field.push(letter);
                }
            }
        }
        fields.push(field);
        let blank = fields.iter().all(String::is_empty) && fields.len() == 1 && !was_quoted;
        if !blank {
            out.push((begin, (sound && !quoted).then_some(fields)));
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quotes_and_lines_are_read_as_the_standard_has_them() {
        let text = "a,b\r\n\"x,\"\"y\"\"\",\"two\nlines\"\n\nlast,\n\"open,1\n";
        let found = records(text);
        let words = |fields: &[&str]| Some(fields.iter().map(|&one| one.to_owned()).collect::<Vec<_>>());
        assert_eq!(
            found,
            [
                (1, words(&["a", "b"])),
                (2, words(&["x,\"y\"", "two\nlines"])),
                (5, words(&["last", ""])),
                (6, None),
            ]
        );
        assert_eq!(records("a\"b,c"), [(1, None)]);
        assert_eq!(records("\"a\"b,c"), [(1, None)]);
        assert_eq!(records(""), []);
    }
}
