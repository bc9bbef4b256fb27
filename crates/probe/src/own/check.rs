//! Whether a test of one's own can be meant: everything that can be known before the first request.

use std::collections::BTreeSet;
use std::str::FromStr as _;

use gabion_model::ControlId;
use serde_json::Value;

use super::form::{Form, Holds, Look, Step, Text, Texts, Twin, Variable};
use super::functions;
use super::lines::Lines;
use super::values::Pattern;
use crate::facts::{ANONYMOUS, Level};

/// What is wrong with a file, and where.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{file}`{}{}: {says}{}", at_line(*line), at_key(key), with_hint(hint))]
pub struct Problem {
    pub file: String,
    pub line: Option<usize>,
    /// `attack[0].request`.
    pub key: String,
    pub says: String,
    /// The way out.
    pub hint: String,
}

fn at_line(line: Option<usize>) -> String {
    line.map(|line| format!(" line {line}")).unwrap_or_default()
}

fn at_key(key: &str) -> String {
    if key.is_empty() { String::new() } else { format!(", `{key}`") }
}

fn with_hint(hint: &str) -> String {
    if hint.is_empty() { String::new() } else { format!("; hint: {hint}") }
}

/// The most requests of one test, and the most variables.
const MOST: usize = 50;
/// Names that every test has.
pub(crate) const GIVEN: &[&str] = &["base", "callback", "host", "port"];

/// Looks through a whole test.
pub(crate) struct Check<'a> {
    file: &'a str,
    lines: &'a Lines,
    problems: Vec<Problem>,
    /// What can be used where it looks now.
    known: BTreeSet<String>,
}

impl<'a> Check<'a> {
    /// Everything that is wrong with a test.
    pub(crate) fn all(file: &'a str, lines: &'a Lines, form: &Form) -> Vec<Problem> {
        let known = GIVEN.iter().map(|name| (*name).to_owned()).collect();
        let mut check = Self { file, lines, problems: Vec::new(), known };
        check.head(form);
        check.people(form);
        check.variables("variables", &form.variables);
        let parts = [("prepare", &form.prepare), ("works", &form.works), ("attack", &form.attack)];
        for (part, steps) in parts {
            check.steps(form, part, steps);
        }
        check.oracle(form);
        let before = check.known.clone();
        if let Some(twin) = &form.twin {
            check.twin(form, twin);
        }
        check.known = before;
        check.steps(form, "clean_up", &form.clean_up);
        check.problems
    }

    fn wrong(&mut self, key: impl Into<String>, says: impl Into<String>, hint: impl Into<String>) {
        let key = key.into();
        let line = self.lines.line(&key);
        self.problems.push(Problem {
            file: self.file.to_owned(),
            line,
            key,
            says: says.into(),
            hint: hint.into(),
        });
    }

    fn head(&mut self, form: &Form) {
        if !is_id(&form.id) {
            self.wrong(
                "id",
                format!("`{}` is no id", form.id),
                "small letters, digits and `-`, up to 80, a letter first",
            );
        } else if crate::about::about(&form.id).is_some() {
            self.wrong("id", format!("`{}` is a test that is built in", form.id), "another id");
        }
        if form.title.trim().is_empty() || form.title.len() > 200 {
            self.wrong(
                "title",
                "it is empty or longer than 200 bytes",
                "what is wrong where it finds something, in one line",
            );
        }
        if ControlId::from_str(&form.control).is_err() {
            self.wrong(
                "control",
                format!("there is no control `{}`", form.control),
                "`gabion controls` lists them",
            );
        }
        if !(1..=10).contains(&form.repeat) {
            self.wrong("repeat", "it is not between 1 and 10", "leave it out for 2");
        }
        if let Some(at) = form.references.iter().position(|link| !link.starts_with("https://")) {
            self.wrong(format!("references[{at}]"), "it is no address by https", "leave it out");
        }
        let parts = [&form.prepare, &form.works, &form.attack, &form.clean_up];
        let twin = form.twin.as_ref().map_or(0, |twin| twin.steps.len());
        let steps = parts.iter().fold(twin, |sum, steps| sum.saturating_add(steps.len()));
        if steps > MOST || form.variables.len() > MOST {
            self.wrong(
                "",
                format!("it has more than {MOST} requests or variables"),
                "several tests, a file each",
            );
        }
        if form.attack.is_empty() {
            self.wrong("attack", "it has no request", "one at least");
        }
        for (at, operation) in form.needs.operations.iter().enumerate() {
            if split(operation).is_none() {
                let key = format!("needs.operations[{at}]");
                self.wrong(key, format!("`{operation}` is no operation"), "`GET /api/notes/{id}`");
            }
        }
    }

    fn people(&mut self, form: &Form) {
        for (name, who) in &form.needs.people {
            let key = format!("needs.people.{name}");
            if name == ANONYMOUS {
                self.wrong(&*key, "`anonymous` is nobody and always there", "another name");
            }
            for (field, other) in
                [("tenant_of", &who.tenant_of), ("other_tenant_than", &who.other_tenant_than)]
            {
                if other.as_ref().is_some_and(|other| other == name || !form.needs.people.contains_key(other))
                {
                    self.wrong(
                        format!("{key}.{field}"),
                        "it is nobody else of `people`",
                        "a name that stands in `needs.people`",
                    );
                }
            }
            self.known.insert(user_of(name));
        }
    }

    fn variables(&mut self, part: &str, all: &[Variable]) {
        for (at, variable) in all.iter().enumerate() {
            let key = format!("{part}[{at}].value");
            if !is_name(&variable.name) || GIVEN.contains(&variable.name.as_str()) {
                self.wrong(
                    format!("{part}[{at}].name"),
                    format!("`{}` cannot be a name", variable.name),
                    "letters, digits and `_`, and none of those there are",
                );
            }
            self.text(&key, &variable.value);
            self.known.insert(variable.name.clone());
        }
    }

    /// A text whose values must all be known.
    fn text(&mut self, key: &str, text: &str) {
        if text.len() > LONGEST {
            self.wrong(key, format!("it is longer than {} KiB", LONGEST >> 10), "a shorter one");
            return;
        }
        match Pattern::parse(text) {
            Ok(pattern) => {
                let unknown =
                    pattern.names().into_iter().find(|name| !self.known.contains(*name)).map(str::to_owned);
                if let Some(name) = unknown {
                    let hint = self.near(&name);
                    self.wrong(key, format!("`{{{{{name}}}}}` is not known here"), hint);
                }
            }
            Err(problem) => {
                let all: Vec<&str> = functions::names().take(6).collect();
                self.wrong(
                    key,
                    problem,
                    format!("docs/guides/probe-tests.md lists the functions: {}, …", all.join(", ")),
                );
            }
        }
    }

    fn near(&self, name: &str) -> String {
        let all: Vec<&str> = self.known.iter().map(String::as_str).collect();
        let hint = format!("known are {}; a capture is known after its request", all.join(", "));
        if functions::is_known(name) { format!("a function is written `{name}()`") } else { hint }
    }

    fn texts(&mut self, key: &str, texts: &Texts) {
        for text in texts.all() {
            self.text(key, &text.shown());
        }
    }

    fn json(&mut self, key: &str, value: &Value, depth: usize) {
        if depth > DEEPEST {
            self.wrong(key, format!("it is nested deeper than {DEEPEST}"), "a flatter one");
            return;
        }
        match value {
            Value::String(text) => self.text(key, text),
            Value::Array(items) => {
                items.iter().for_each(|item| self.json(key, item, depth.saturating_add(1)))
            }
            Value::Object(members) => {
                for (name, value) in members {
                    self.text(key, name);
                    self.json(key, value, depth.saturating_add(1));
                }
            }
            _ => {}
        }
    }

    fn steps(&mut self, form: &Form, part: &str, steps: &[Step]) {
        for (at, step) in steps.iter().enumerate() {
            self.step(form, part, &format!("{part}[{at}]"), step);
        }
    }

    fn step(&mut self, form: &Form, part: &str, key: &str, step: &Step) {
        let method = match (&step.raw, step.request.is_empty()) {
            (None, true) => {
                self.wrong(key, "it has neither `request` nor `raw`", "`request: GET /path`");
                return;
            }
            (Some(_), false) => {
                self.wrong(format!("{key}.raw"), "it has `request` as well", "one of them");
                return;
            }
            (None, false) => self.request(key, &step.request),
            (Some(raw), true) => {
                self.text(&format!("{key}.raw"), raw);
                match super::raw::read(raw.as_bytes()) {
                    Ok(request) => request.method,
                    Err(problem) => {
                        self.wrong(
                            format!("{key}.raw"),
                            problem,
                            "request line, fields, an empty line, the body",
                        );
                        return;
                    }
                }
            }
        };
        let bodies =
            [step.json.is_some(), !step.form.is_empty(), !step.multipart.is_empty(), step.body.is_some()];
        let bodies = bodies.into_iter().filter(|there| *there).count();
        let dressed =
            bodies > 0 || !step.query.is_empty() || !step.headers.is_empty() || !step.cookies.is_empty();
        if step.raw.is_some() && dressed {
            self.wrong(key, "a raw request has everything in it", "leave the other keys out");
        } else if bodies > 1 {
            self.wrong(key, "it has more than one body", "one of `json`, `form`, `multipart` and `body`");
        }
        let safe = matches!(method.as_str(), "GET" | "HEAD" | "OPTIONS");
        if !safe && form.level == Level::Passive {
            self.wrong("level", format!("a passive test sends no {method}"), "`level: active`");
        }
        if method == "DELETE" && part != "clean_up" && form.level != Level::Destructive {
            self.wrong("level", "it removes something", "`level: destructive`, or move it to `clean_up`");
        }
        if let Some(sender) = &step.sender
            && !form.needs.people.contains_key(sender)
            && !is_person(sender)
        {
            self.wrong(
                format!("{key}.as"),
                format!("`{sender}` is no name"),
                "one of `needs.people`, an identity of the facts, or `anonymous`",
            );
        }
        if step.at_once.is_some_and(|times| !(1..=50).contains(&times)) {
            self.wrong(format!("{key}.at_once"), "it is not between 1 and 50", "10 is enough for most");
        }
        let named = [("query", &step.query), ("headers", &step.headers), ("form", &step.form)];
        for (field, map) in named {
            for (name, texts) in map {
                self.texts(&format!("{key}.{field}.{name}"), texts);
            }
        }
        for (name, value) in &step.cookies {
            self.text(&format!("{key}.cookies.{name}"), value);
        }
        for (name, part) in &step.multipart {
            self.text(&format!("{key}.multipart.{name}"), &part.text);
            self.text(&format!("{key}.multipart.{name}"), part.file.as_deref().unwrap_or_default());
        }
        if let Some(value) = &step.json {
            self.json(&format!("{key}.json"), value, 0);
        }
        if let Some(body) = &step.body {
            self.text(&format!("{key}.body.text"), &body.text);
        }
        if let Some(look) = &step.expect {
            self.look(&format!("{key}.expect"), look);
        }
        for (name, capture) in &step.capture {
            self.capture(&format!("{key}.capture.{name}"), name, capture);
        }
    }

    fn capture(&mut self, key: &str, name: &str, capture: &super::form::Capture) {
        if !is_name(name) || GIVEN.contains(&name) {
            self.wrong(key, format!("`{name}` cannot be a name"), "letters, digits and `_`");
        }
        let ways = [&capture.json, &capture.header, &capture.cookie, &capture.regex];
        if ways.into_iter().flatten().count() != 1 {
            self.wrong(key, "it says not exactly one place", "one of `json`, `header`, `cookie` and `regex`");
        }
        if let Some(pointer) = &capture.json {
            self.pointer(key, pointer);
        }
        if let Some(Err(problem)) = capture.regex.as_deref().map(functions::pattern) {
            self.wrong(key, problem, "the syntax of the Rust crate `regex`");
        }
        self.known.insert(name.to_owned());
    }

    fn pointer(&mut self, key: &str, pointer: &str) {
        if !pointer.is_empty() && !pointer.starts_with('/') {
            self.wrong(key, format!("`{pointer}` is no JSON pointer"), "`/items/0/id`");
        }
    }

    fn request(&mut self, key: &str, request: &str) -> String {
        let key = format!("{key}.request");
        self.text(&key, request);
        let Some((method, target)) = request.split_once(' ') else {
            self.wrong(key, format!("`{request}` is no request"), "`GET /path`");
            return String::new();
        };
        if target.contains("://") && !target.starts_with('/') {
            self.wrong(
                &*key,
                "it names another place than the target",
                "only its path: everything goes to the target of the run",
            );
        } else if !target.starts_with('/') && !target.starts_with("{{") {
            self.wrong(&*key, "its path does not begin with `/`", "`GET /path`");
        }
        if method.is_empty() || !method.bytes().all(|byte| byte.is_ascii_uppercase()) {
            self.wrong(
                &*key,
                format!("`{method}` is no method"),
                "`GET`, `POST`, …; another one goes by `raw`",
            );
        }
        method.to_owned()
    }

    fn look(&mut self, key: &str, look: &Look) {
        if let Some(status) = &look.status {
            for one in status.all() {
                let text = one.shown();
                if super::look::Statuses::parse(&text).is_none() {
                    self.wrong(
                        format!("{key}.status"),
                        format!("`{text}` is no status"),
                        "`200`, `2xx`, or a list of them",
                    );
                }
            }
        }
        for (name, holds) in &look.header {
            self.holds(&format!("{key}.header.{name}"), holds);
        }
        for (pointer, holds) in &look.json {
            self.pointer(&format!("{key}.json"), pointer);
            self.holds(&format!("{key}.json.{pointer}"), holds);
        }
        if let Some(holds) = &look.body {
            self.holds(&format!("{key}.body"), holds);
        }
        if let Some(text) = &look.fits {
            match super::expression::Expression::parse(text) {
                Ok(expression) => {
                    let mut names = Vec::new();
                    expression.names(&mut names);
                    let unknown = names
                        .into_iter()
                        .find(|name| !self.known.contains(*name) && !super::look::NAMES.contains(name));
                    if let Some(name) = unknown.map(str::to_owned) {
                        let hint = format!("{} {}", self.near(&name), super::look::NAMES.join(", "));
                        self.wrong(format!("{key}.fits"), format!("`{name}` is not known here"), hint);
                    }
                }
                Err(problem) => {
                    self.wrong(format!("{key}.fits"), problem, "`status_code == 200 && len(body) > 100`")
                }
            }
        }
    }

    fn holds(&mut self, key: &str, holds: &Holds) {
        let rules = match holds {
            Holds::Value(Value::Object(_)) => {
                self.wrong(
                    key,
                    "an object stands there",
                    "`is`, `has`, `lacks`, `matches` or `absent`; `is: {…}` for an object",
                );
                return;
            }
            Holds::Value(value) => return self.json(key, value, 0),
            Holds::Rules(rules) => rules,
        };
        if let Some(value) = &rules.is {
            self.json(key, value, 0);
        }
        for texts in [&rules.has, &rules.lacks].into_iter().flatten() {
            self.texts(key, texts);
            if texts.all().any(|text| text.shown().is_empty()) {
                self.wrong(key, "an empty text is in everything", "a text");
            }
        }
        if let Some(pattern) = &rules.matches {
            self.text(key, pattern);
            if let Some(Err(problem)) = (!pattern.contains("{{")).then(|| functions::pattern(pattern)) {
                self.wrong(key, problem, "the syntax of the Rust crate `regex`");
            }
        }
        let none =
            rules.is.is_none() && rules.has.is_none() && rules.lacks.is_none() && rules.matches.is_none();
        if none && rules.absent.is_none() {
            self.wrong(key, "it says nothing", "`is`, `has`, `lacks`, `matches` or `absent`");
        }
    }

    fn oracle(&mut self, form: &Form) {
        let oracle = &form.oracle;
        let look = oracle.look();
        self.look("oracle", &look);
        if look.is_empty() && !oracle.callback && !oracle.differs {
            self.wrong(
                "oracle",
                "it says nothing",
                "`status`, `header`, `json`, `body`, `fits`, `callback` or `differs`",
            );
        }
        if oracle.differs && form.twin.is_none() {
            self.wrong("oracle.differs", "there is no twin to differ from", "`twin`");
        }
        if oracle.callback
            && !form.attack.iter().chain(&form.prepare).any(|step| step.mentions("callback"))
            && !form.variables.iter().any(|variable| variable.value.contains("callback"))
        {
            self.wrong(
                "oracle.callback",
                "no request has `{{callback}}` in it",
                "put it where the application may fetch it",
            );
        }
        let step = match &oracle.step {
            Some(name) => form.attack.iter().find(|step| step.name == *name),
            None => form.attack.last(),
        };
        let Some(step) = step else {
            if !form.attack.is_empty() {
                self.wrong("oracle.step", "no step of `attack` has that name", "`name` at the step");
            }
            return;
        };
        if let Some(least) = oracle.at_least
            && !(1..=step.at_once.unwrap_or(1)).contains(&least)
        {
            self.wrong("oracle.at_least", "the step does not send so many at once", "`at_once` at the step");
        }
    }

    fn twin(&mut self, form: &Form, twin: &Twin) {
        let changed = !twin.variables.is_empty() || !twin.senders.is_empty() || twin.in_turn;
        if twin.steps.is_empty() && !changed {
            self.wrong(
                "twin",
                "it is the attack itself",
                "`variables`, `as`, `in_turn`, or `steps` of its own",
            );
        }
        for (at, variable) in twin.variables.iter().enumerate() {
            if !form.variables.iter().any(|own| own.name == variable.name) {
                let key = format!("twin.variables[{at}].name");
                self.wrong(
                    key,
                    format!("`{}` is none of `variables`", variable.name),
                    "a name that stands there",
                );
            }
            self.text(&format!("twin.variables[{at}].value"), &variable.value);
        }
        for (from, to) in &twin.senders {
            for name in [from, to] {
                if !form.needs.people.contains_key(name) && !is_person(name) {
                    self.wrong(
                        format!("twin.as.{from}"),
                        format!("`{name}` is no name"),
                        "names that `as` uses",
                    );
                }
            }
            if !form.attack.iter().any(|step| step.sender.as_deref().unwrap_or(ANONYMOUS) == from) {
                self.wrong(
                    format!("twin.as.{from}"),
                    format!("`{from}` sends nothing in `attack`"),
                    "a name that `as` uses there",
                );
            }
        }
        if twin.in_turn && !form.attack.iter().any(|step| step.at_once.is_some()) {
            self.wrong("twin.in_turn", "nothing is sent at once", "`at_once` at a step of `attack`");
        }
        self.steps(form, "twin.steps", &twin.steps);
        let named = form.oracle.step.as_ref().filter(|_| !twin.steps.is_empty());
        if let Some(name) = named.filter(|name| !twin.steps.iter().any(|step| step.name == **name)) {
            self.wrong(
                "twin.steps",
                format!("no step is called `{name}`"),
                "the step that `oracle.step` names",
            );
        }
    }
}

/// The longest text of a test, in bytes.
const LONGEST: usize = 64 << 10;
/// The deepest JSON of a test.
const DEEPEST: usize = 30;

/// The name of the value that has what somebody signs in with.
pub(crate) fn user_of(name: &str) -> String {
    let plain = |letter: char| if letter.is_ascii_alphanumeric() { letter } else { '_' };
    format!("user_of_{}", name.chars().map(plain).collect::<String>())
}

/// Method and path of an operation.
pub(crate) fn split(operation: &str) -> Option<(&str, &str)> {
    let (method, path) = operation.split_once(' ')?;
    (path.starts_with('/') && method.bytes().all(|byte| byte.is_ascii_uppercase())).then_some((method, path))
}

/// Whether a text can be the id of a test.
pub(crate) fn is_id(text: &str) -> bool {
    let first = text.bytes().next().is_some_and(|byte| byte.is_ascii_lowercase());
    let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    first && text.len() <= 80 && text.bytes().all(plain)
}

fn is_name(text: &str) -> bool {
    let first = text.bytes().next().is_some_and(|byte| byte.is_ascii_alphabetic() || byte == b'_');
    first && text.len() <= 80 && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
}

fn is_person(text: &str) -> bool {
    let word = |letter: char| letter.is_ascii_alphanumeric() || matches!(letter, '-' | '_' | '.' | '@');
    !text.is_empty() && text.len() <= 200 && text.chars().all(word)
}

impl Texts {
    pub(crate) fn all(&self) -> impl Iterator<Item = &Text> {
        match self {
            Self::One(text) => std::slice::from_ref(text).iter(),
            Self::Many(texts) => texts.iter(),
        }
    }
}

impl Text {
    /// As a request has it.
    pub(crate) fn shown(&self) -> String {
        match self {
            Self::Truth(truth) => truth.to_string(),
            Self::Whole(number) => number.to_string(),
            Self::Number(number) => number.to_string(),
            Self::Text(text) => text.clone(),
        }
    }
}

impl Step {
    /// Whether a name is used anywhere in it.
    fn mentions(&self, name: &str) -> bool {
        format!("{self:?}").contains(name)
    }
}
