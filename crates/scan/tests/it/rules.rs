//! Rules that are only begun: whoever changes one sees what breaks it.

use std::fs;

use gabion_finding::RuleId;
use gabion_scan::{kit, rules, template};

#[test]
fn what_is_begun_holds_its_own_example() {
    for scanner in kit::open_names() {
        let folder = tempfile::TempDir::new().unwrap();
        let id = RuleId::new("acme.token").unwrap();
        fs::create_dir(folder.path().join(scanner)).unwrap();
        fs::write(folder.path().join(scanner).join("acme.toml"), template(&id, scanner)).unwrap();
        let own = kit::RuleFolder::read(folder.path()).unwrap();
        let scanners = kit::scanners(&own).unwrap();
        let whose = scanners.iter().find(|one| one.name() == scanner).unwrap();
        assert!(whose.rules().iter().any(|rule| rule.id == id));
        assert_eq!(rules::test(whose.as_ref(), &|one| *one == id), [], "{scanner}");
    }
}
