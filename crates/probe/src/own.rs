//! Tests of one's own: files of `probe.d`, in the form of [`form`] or as templates of another tool's published format.
//!
//! They are read and checked before the first request ([`check`]), run by the same machinery as the tests that are built in
//! (scope, rate, budget, who is signed in, the last look), and are reported beside them.

pub mod check;
pub mod expression;
pub mod form;
pub mod functions;
mod lines;
mod look;
mod raw;
mod rounds;
mod send;
pub mod template;
mod values;
mod words;

use std::collections::BTreeMap;
use std::str::FromStr as _;
use std::sync::Arc;

use gabion_model::ControlId;

use crate::about::About;
use crate::attacks::Phase;
use crate::facts::Level;
use crate::field::Field;
use crate::verdict::{Outcome, Verdict};
use crate::wire::WireError;

pub use check::Problem;
use form::Form;
use lines::Lines;
pub use template::{Refused, Template};

/// The tests of a run that are not built in.
#[derive(Debug, Clone, Default)]
pub struct Own {
    pub tests: Vec<Arc<Test>>,
    pub templates: Vec<Arc<Template>>,
    /// Templates that are not read, and why.
    pub refused: Vec<Refused>,
    /// Files by the ids of their tests.
    ids: BTreeMap<String, String>,
}

/// A test that was read and checked.
#[derive(Debug)]
pub struct Test {
    /// The file, as messages call it.
    pub file: String,
    pub about: Arc<About>,
    pub(crate) form: Form,
}

/// Refused templates that the report names.
const NOTED: usize = 20;
/// The largest file, in bytes.
pub const LARGEST: usize = 256 << 10;
/// The most files of a run.
pub const FILES: usize = 20_000;

impl Own {
    /// Takes in a file.
    ///
    /// # Errors
    /// Everything that is wrong with it, by place.
    pub fn add(&mut self, file: &str, text: &str) -> Result<(), Vec<Problem>> {
        if template::is_template(text) {
            self.template(file, text);
            return Ok(());
        }
        let test = read(file, text)?;
        if let Some(other) = self.file_of(&test.about.id) {
            let says = format!("`{other}` has the id `{}` as well", test.about.id);
            return Err(vec![problem(file, Some(1), "id", says, "another id")]);
        }
        self.ids.insert(test.about.id.clone(), file.to_owned());
        self.tests.push(Arc::new(test));
        Ok(())
    }

    fn template(&mut self, file: &str, text: &str) {
        match template::read(file, text) {
            Ok(template) => {
                let id = &template.about.id;
                let other = self.file_of(id).map(|other| format!("`{other}` has the id `{id}` as well"));
                let built_in = crate::about::about(id).map(|_| format!("`{id}` is a test that is built in"));
                if let Some(why) = other.or(built_in) {
                    self.refused.push(Refused { file: file.to_owned(), why });
                    return;
                }
                self.ids.insert(id.clone(), file.to_owned());
                self.templates.push(Arc::new(template));
            }
            Err(refused) => self.refused.push(refused),
        }
    }

    /// The file of the test with that id.
    #[must_use]
    pub fn file_of(&self, id: &str) -> Option<&str> {
        self.ids.get(id).map(String::as_str)
    }

    /// Whether a test is a template.
    #[must_use]
    pub fn is_template(&self, id: &str) -> bool {
        self.ids.contains_key(id) && !self.tests.iter().any(|test| test.about.id == id)
    }

    /// What the report notes of templates; nothing where there are none.
    #[must_use]
    pub fn notes(&self) -> Vec<String> {
        if self.templates.is_empty() && self.refused.is_empty() {
            return Vec::new();
        }
        let mut notes =
            vec![format!("templates: {} read, {} refused", self.templates.len(), self.refused.len())];
        notes.extend(self.refused.iter().take(NOTED).map(ToString::to_string));
        if let Some(more) = self.refused.len().checked_sub(NOTED).filter(|more| *more > 0) {
            notes.push(format!(
                "{more} more templates are refused; `gabion probe tests check PATH` names them"
            ));
        }
        notes
    }

    /// What they say of themselves.
    pub fn abouts(&self) -> impl Iterator<Item = &Arc<About>> {
        self.tests.iter().map(|test| &test.about).chain(self.templates.iter().map(|template| &template.about))
    }

    #[must_use]
    pub fn test(&self, id: &str) -> Option<&Arc<Test>> {
        self.tests.iter().find(|test| test.about.id == id)
    }

    /// Looks once more at what they found.
    ///
    /// # Errors
    /// When the run is over.
    pub(crate) async fn look_again(&self, field: &Field) -> Result<(), WireError> {
        for outcome in field.outcomes() {
            let Some(test) = self.test(&outcome.test).filter(|_| outcome.verdict > Verdict::Tentative) else {
                continue;
            };
            if !rounds::again(field, test).await? {
                let says = format!("{}; asked again at the end, it was not to be seen", outcome.says);
                field.weaken(&Outcome { verdict: Verdict::Tentative, says, ..outcome });
            }
        }
        Ok(())
    }
}

impl Test {
    /// When it runs.
    pub(crate) fn phase(&self) -> Phase {
        let steps = self.form.prepare.iter().chain(&self.form.works).chain(&self.form.attack);
        let method = |step: &form::Step| {
            let line = step.raw.as_deref().unwrap_or(&step.request).trim_start();
            line.split(' ').next().unwrap_or_default().to_owned()
        };
        let writes = steps.map(method).any(|method| !matches!(method.as_str(), "GET" | "HEAD" | "OPTIONS"));
        match self.form.level {
            Level::Passive => Phase::Look,
            Level::Active if writes => Phase::Write,
            Level::Active => Phase::Read,
            Level::Destructive => Phase::Remove,
        }
    }

    /// Runs it.
    ///
    /// # Errors
    /// When the run is over.
    pub(crate) async fn run(&self, field: &Field) -> Result<(), WireError> {
        rounds::run(field, self).await
    }
}

/// Reads and checks a file.
fn read(file: &str, text: &str) -> Result<Test, Vec<Problem>> {
    if text.len() > LARGEST {
        let says = format!("it is longer than {} KiB", LARGEST >> 10);
        return Err(vec![problem(file, None, "", says, "several tests, a file each")]);
    }
    let form: Form = serde_saphyr::from_str(text).map_err(|error| {
        let line = error.location().and_then(|location| usize::try_from(location.line()).ok());
        let says = error.to_string();
        let says = says.lines().next().unwrap_or_default().trim().to_owned();
        vec![problem(
            file,
            line,
            "",
            says,
            "docs/guides/probe-tests.md; `gabion probe tests new ID` writes one to start from",
        )]
    })?;
    let lines = Lines::of(text);
    let problems = check::Check::all(file, &lines, &form);
    let control = ControlId::from_str(&form.control);
    match control {
        Ok(control) if problems.is_empty() => {
            let about = Arc::new(about(&form, control));
            Ok(Test { file: file.to_owned(), about, form })
        }
        _ => Err(problems),
    }
}

fn about(form: &Form, control: ControlId) -> About {
    let or =
        |text: &str, other: &str| if text.trim().is_empty() { other.to_owned() } else { text.to_owned() };
    About {
        id: form.id.clone(),
        title: form.title.trim().to_owned(),
        control,
        cwe: form.cwe.clone(),
        owasp: form.owasp.clone(),
        severity: form.severity,
        level: form.level,
        why: or(&form.why, "The file of the test does not say what somebody could do with it."),
        fix: or(&form.fix, "The file of the test does not say what to do instead."),
        references: form.references.clone(),
    }
}

/// A test to start from.
#[must_use]
pub fn template_of(id: &str) -> String {
    include_str!("own/start.yaml").replace("ID", id)
}

fn problem(file: &str, line: Option<usize>, key: &str, says: String, hint: &str) -> Problem {
    Problem { file: file.to_owned(), line, key: key.to_owned(), says, hint: hint.to_owned() }
}
