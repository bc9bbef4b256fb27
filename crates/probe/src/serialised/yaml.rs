//! YAML with tags that name a class or a function (YAML 1.2, section 6.9.1; what the tags mean is each reader's own). The same
//! document is tried as one of each language, as nothing in it says whose reader gets it.

use super::{Form, Language, misspelled, nth};

/// Python (PyYAML, ruamel): a text goes through a function that gives it back.
pub(super) const PYTHON: Language = Language {
    name: "YAML with tags of Python",
    does: "call any function of the installation",
    keeps: true,
    fits,
    write: |bytes, at, form| {
        let name = named(&["copy.copy", "copy.deepcopy"], at, form)?;
        tagged(bytes, form, &name, &|text| format!("!!python/object/apply:{name} [\"{text}\"]"))
    },
    ..Language::NAMES
};

/// Java (SnakeYAML): a text of the class that texts have.
pub(super) const JAVA: Language = Language {
    name: "YAML with tags of Java",
    does: "make objects of any class of the class path",
    keeps: true,
    fits,
    write: |bytes, at, form| {
        let name = named(&["java.lang.String"], at, form)?;
        tagged(bytes, form, &name, &|text| format!("!!{name} \"{text}\""))
    },
    ..Language::NAMES
};

/// Ruby (Psych): one member more, an empty object.
pub(super) const RUBY: Language = Language {
    name: "YAML with tags of Ruby",
    does: "make objects of any class of the installation",
    keeps: true,
    fits,
    write: |bytes, at, form| {
        let name = named(&["Object", "StandardError", "IOError"], at, form)?;
        longer(bytes, form, &name, &format!("!ruby/object:{name} {{}}"))
    },
    ..Language::NAMES
};

/// Node (js-yaml before 4): one member more, a function that nobody calls.
pub(super) const NODE: Language = Language {
    name: "YAML with functions of JavaScript",
    does: "run any script",
    keeps: true,
    fits,
    write: |bytes, at, form| {
        let name = named(&["function"], at, form)?;
        longer(bytes, form, &name, &format!("!!js/{name} \"function () {{ return 1 }}\""))
    },
    ..Language::NAMES
};

/// A member of the document itself whose value is a word.
struct Leaf<'a> {
    before: &'a str,
    text: &'a str,
    behind: &'a str,
}

fn fits(bytes: &[u8]) -> bool {
    leaf(bytes).is_some()
}

fn named(names: &[&'static str], at: usize, form: Form) -> Option<String> {
    let name = nth(names, at)?;
    Some(if form == Form::Misspelled { misspelled(name) } else { name.to_owned() })
}

/// The first such member of what is a mapping of two lines or more; nothing of what only looks like a text with colons.
fn leaf(bytes: &[u8]) -> Option<Leaf<'_>> {
    let text = std::str::from_utf8(bytes).ok()?;
    let begun = text.starts_with("---");
    let (mut members, mut found) = (0_usize, None);
    let mut at = 0_usize;
    for line in text.split_inclusive('\n') {
        let begins = at;
        at = at.saturating_add(line.len());
        let line = line.trim_end();
        if line.is_empty() || line.starts_with(['#', ' ', '-']) || line == "..." {
            continue;
        }
        let (key, value) = line.split_once(':')?;
        let word = |letter: char| letter.is_ascii_alphanumeric() || letter == '_' || letter == '-';
        if key.is_empty() || !key.chars().all(word) || !(value.is_empty() || value.starts_with(' ')) {
            return None;
        }
        members = members.saturating_add(1);
        let value = value.trim_matches([' ', '"', '\'']);
        let plain = |letter: char| letter.is_alphanumeric() || " _.@".contains(letter);
        let other =
            ["true", "false", "null", "yes", "no", "on", "off"].contains(&value.to_lowercase().as_str());
        if found.is_none() && value.contains(char::is_alphabetic) && value.chars().all(plain) && !other {
            let key = begins.saturating_add(key.len()).saturating_add(1);
            let end = begins.saturating_add(line.len());
            found = Some(Leaf { before: text.get(..key)?, text: value, behind: text.get(end..)? });
        }
    }
    found.filter(|_| members >= 2 || begun && members > 0)
}

/// The document with a tag at its first text; with a comment of the name where it is to be plain.
fn tagged(bytes: &[u8], form: Form, name: &str, write: &dyn Fn(&str) -> String) -> Option<Vec<u8>> {
    if form == Form::Plain {
        return plain(bytes, name);
    }
    let leaf = leaf(bytes)?;
    Some(format!("{} {}{}", leaf.before, write(leaf.text), leaf.behind).into_bytes())
}

/// The document with one member more.
fn longer(bytes: &[u8], form: Form, name: &str, value: &str) -> Option<Vec<u8>> {
    if form == Form::Plain {
        return plain(bytes, name);
    }
    // Behind the member that is known to be one of the document itself.
    let leaf = leaf(bytes)?;
    Some(format!("{} {}\ngx: {value}{}", leaf.before, quoted(leaf.text), leaf.behind).into_bytes())
}

fn plain(bytes: &[u8], name: &str) -> Option<Vec<u8>> {
    let leaf = leaf(bytes)?;
    Some(format!("{} {} # {name}{}", leaf.before, quoted(leaf.text), leaf.behind).into_bytes())
}

fn quoted(text: &str) -> String {
    format!("\"{text}\"")
}

#[cfg(test)]
mod tests {
    use super::*;

    const VALUE: &[u8] = b"id: 7\nuser: alice\ntheme: 'dark'\nlist:\n  - a\n";

    #[test]
    fn each_language_has_its_tag_and_the_rest_stays() {
        let text =
            |language: &Language, form| String::from_utf8((language.write)(VALUE, 0, form).unwrap()).unwrap();
        let around = |middle: &str| format!("id: 7\nuser: {middle}\ntheme: 'dark'\nlist:\n  - a\n");
        assert_eq!(text(&PYTHON, Form::Named), around("!!python/object/apply:copy.copy [\"alice\"]"));
        assert_eq!(text(&PYTHON, Form::Misspelled), around("!!python/object/apply:copy.cpoy [\"alice\"]"));
        assert_eq!(text(&PYTHON, Form::Plain), around("\"alice\" # copy.copy"));
        assert_eq!(text(&JAVA, Form::Misspelled), around("!!java.lang.Srting \"alice\""));
        assert_eq!(text(&RUBY, Form::Named), around("\"alice\"\ngx: !ruby/object:Object {}"));
        assert_eq!(
            text(&NODE, Form::Misspelled),
            around("\"alice\"\ngx: !!js/fnuction \"function () { return 1 }\"")
        );
    }

    #[test]
    fn texts_with_colons_are_no_documents() {
        for no in [
            "note: buy milk",
            "Dear Ann:\nthanks",
            "a: 1\nb: 2",
            "http://a/b\nc: d",
            "{\"a\": \"b\"}",
            "a:b\nc:d",
        ] {
            assert!(!fits(no.as_bytes()), "{no}");
        }
        assert!(fits(b"---\nuser: alice\n") && fits(b"a: b\r\nc: d\r\n"));
    }
}
