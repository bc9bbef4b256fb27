//! Whatever stands in storage or is handed in is read or refused, and nothing panics.

use gabion_incident::evidence::Pack;
use gabion_incident::{Incident, Step, Subject};
use proptest::prelude::*;

use crate::world::{Course, note};
use gabion_incident::Class;

proptest! {
    #[test]
    fn any_bytes_are_no_pack(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        prop_assert!(Pack::parse(&bytes).is_err());
    }

    #[test]
    fn any_text_is_a_subject_or_not(text in ".{0,60}") {
        if let Ok(subject) = Subject::parse(&text) {
            let written = format!("{}:{}", subject.kind(), subject.value());
            prop_assert_eq!(Subject::parse(&written), Ok(subject));
        }
    }

    #[test]
    fn a_step_with_a_changed_byte_is_read_or_refused(at in any::<prop::sample::Index>(), change in any::<u8>()) {
        let mut course = Course::new(Class::P1, true);
        course.pass(1).take(note("a"));
        let mut bytes = serde_json::to_vec(&course.steps).unwrap();
        let at = at.index(bytes.len());
        bytes[at] = change;
        if let Ok(steps) = serde_json::from_slice::<Vec<Step>>(&bytes) {
            let _ = Incident::of(7, &steps);
        }
    }
}
