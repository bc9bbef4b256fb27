//! Writing what was read.

use std::fmt::Write as _;

use super::{Boundary, PartHead};

impl PartHead {
    /// The delimiter and the head of a part; `first` where nothing stands before it.
    #[must_use]
    pub fn write(&self, boundary: &Boundary, first: bool) -> String {
        let start = if first { "" } else { "\r\n" };
        let mut text = format!("{start}--{boundary}\r\nContent-Disposition: form-data; name=\"");
        quote(&mut text, &self.name);
        if let Some(name) = &self.file_name {
            text.push_str("\"; filename=\"");
            quote(&mut text, name);
        }
        text.push_str("\"\r\n");
        if let Some(media) = &self.media {
            let _ = write!(text, "Content-Type: {}", media.essence);
            if let Some(charset) = &media.charset {
                let _ = write!(text, "; charset={charset}");
            }
            text.push_str("\r\n");
        }
        text.push_str("\r\n");
        text
    }
}

impl Boundary {
    /// The last delimiter.
    #[must_use]
    pub fn end(&self, first: bool) -> String {
        let start = if first { "" } else { "\r\n" };
        format!("{start}--{self}--\r\n")
    }
}

/// As browsers do it (HTML, multipart/form-data encoding algorithm).
fn quote(text: &mut String, value: &str) {
    for sign in value.chars() {
        match sign {
            '"' => text.push_str("%22"),
            '\r' => text.push_str("%0D"),
            '\n' => text.push_str("%0A"),
            sign => text.push(sign),
        }
    }
}
