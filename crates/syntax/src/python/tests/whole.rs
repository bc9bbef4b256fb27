//! A whole file, as people write them.

use crate::{Language, check, dump};

#[test]
fn a_file_as_people_write_them() {
    let parsed = check::parse(Language::Python, include_str!("sample.py"));
    assert_eq!(parsed.problems, []);
    insta::with_settings!({ omit_expression => true }, { insta::assert_snapshot!(dump(&parsed.module)) });
}
