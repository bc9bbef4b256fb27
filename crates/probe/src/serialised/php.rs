//! PHP's `serialize`: the first member is there twice, and the second time it is what it was. What stands there the first time is
//! made and thrown away.

use super::{Form, Language, misspelled, nth};

pub(super) const PHP: Language = Language {
    name: "PHP's unserialize",
    does: "make objects of any class of the application",
    keeps: false,
    fits: |bytes| members(bytes).is_some_and(|found| !found.key.is_empty()),
    write,
    ..Language::NAMES
};

/// Classes of every installation that cannot be made of nothing, and say so.
const CLASSES: &[&str] = &[
    "DateTime",
    "DateTimeZone",
    "DateTimeImmutable",
    "DatePeriod",
    "ArrayObject",
    "SplObjectStorage",
    "Closure",
];

/// An array or an object, taken apart.
struct Members<'a> {
    /// `a:` or `O:1:"U":`.
    head: &'a str,
    count: usize,
    /// `s:4:"user";`
    key: &'a str,
    /// The first key and everything behind.
    rest: &'a [u8],
}

fn members(bytes: &[u8]) -> Option<Members<'_>> {
    // A member may be of any bytes; what stands before the first one is text.
    let open = memchr::memchr(b'{', bytes)?;
    let (head, rest) = bytes.split_at_checked(open)?;
    let head = std::str::from_utf8(head).ok()?.strip_suffix(':')?;
    let (head, count) = head.rsplit_once(':')?;
    let count: usize = count.parse().ok()?;
    let class = head.strip_prefix("O:").and_then(|class| class.split_once(":\""));
    let whole = class.is_some_and(|(length, name)| {
        name.strip_suffix('"').is_some_and(|name| length.parse() == Ok(name.len()))
    });
    if (head != "a" && !whole) || bytes.last() != Some(&b'}') {
        return None;
    }
    let rest = rest.strip_prefix(b"{")?;
    let end = if rest.starts_with(b"i:") {
        memchr::memchr(b';', rest)?.saturating_add(1)
    } else {
        let length = rest.strip_prefix(b"s:")?;
        let digits = memchr::memchr(b':', length)?;
        let count: usize = std::str::from_utf8(length.get(..digits)?).ok()?.parse().ok()?;
        // `s:`, the number, `:"`, the text, `";`
        count.checked_add(digits)?.checked_add(6)?
    };
    let key = std::str::from_utf8(rest.get(..end)?).ok()?;
    let is_key = key.ends_with("\";") || key.starts_with("i:");
    (count > 0 && count < MOST && is_key).then_some(Members { head, count, key, rest })
}

const MOST: usize = 10_000;

fn write(bytes: &[u8], at: usize, form: Form) -> Option<Vec<u8>> {
    let Members { head, count, key, rest } = members(bytes)?;
    let class = nth(CLASSES, at)?;
    let class = if form == Form::Misspelled { misspelled(class) } else { class.to_owned() };
    let mut value = format!("O:{}:\"{class}\":0:{{}}", class.len());
    if form == Form::Plain {
        value = format!("s:{}:\"{value}\";", value.len());
    }
    let mut out = format!("{head}:{}:{{{key}{value}", count.saturating_add(1)).into_bytes();
    out.extend_from_slice(rest);
    Some(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_member_is_there_twice() {
        let text = |form| String::from_utf8(write(b"a:1:{s:4:\"user\";i:3;}", 0, form).unwrap()).unwrap();
        assert_eq!(text(Form::Named), "a:2:{s:4:\"user\";O:8:\"DateTime\":0:{}s:4:\"user\";i:3;}");
        assert_eq!(text(Form::Misspelled), "a:2:{s:4:\"user\";O:8:\"DtaeTime\":0:{}s:4:\"user\";i:3;}");
        assert_eq!(text(Form::Plain), "a:2:{s:4:\"user\";s:19:\"O:8:\"DateTime\":0:{}\";s:4:\"user\";i:3;}");
        assert!((PHP.fits)(b"O:1:\"U\":1:{s:4:\"user\";i:3;}"));
        for no in
            [&b"a:0:{}"[..], b"a:1:{x}", b"{\"a\":1}", b"O:2:\"U\":1:{i:0;i:1;}", b"a:1:{s:99:\"x\";i:1;}"]
        {
            assert!(!(PHP.fits)(no), "{}", String::from_utf8_lossy(no));
        }
    }
}
