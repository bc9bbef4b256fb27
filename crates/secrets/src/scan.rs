//! One text on its way through the rules.

use std::ops::Range;

use gabion_finding::{Confidence, Unread, UnreadReason};

use crate::candidate::{Candidate, Match, settle};
use crate::check::{basic_pair, decode, is_chosen, is_jwt, is_random, is_text, passes};
use crate::context::{Context, Style};
use crate::encoded::{self, Encoding};
use crate::keywords::Hit;
use crate::name::{self, Kind};
use crate::rule::{Check, Detector};
use crate::secrets::{Compiled, Secrets, Target};
use crate::shape::entropy;
use crate::{assignment, judge, pem, placeholder, url};

/// How deep encodings are followed.
const DEPTH: usize = 2;
/// How many secrets of one text are kept.
const MOST: usize = 2_000;
/// How many bytes are looked at more than once, for each byte of the text and altogether at least.
const WORK: usize = 48;
const WORK_LEAST: usize = 1 << 20;

pub(crate) struct Scan<'s, 't> {
    secrets: &'s Secrets,
    text: &'t str,
    path: &'t str,
    context: Context,
    depth: usize,
    found: Vec<Candidate>,
    /// Where patterns may match that do not begin with their keyword: rule and range.
    near: Vec<(usize, Range<usize>)>,
    /// Up to where names were read.
    named: usize,
    /// Up to where encoded texts were decoded.
    decoded: usize,
    /// Where the tests of a module of Rust begin, once that was asked.
    tests: Option<usize>,
    /// Whether it is a `Secret` of Kubernetes, once that was asked.
    kubernetes: Option<bool>,
    work: usize,
}

impl<'s, 't> Scan<'s, 't> {
    pub(crate) fn new(secrets: &'s Secrets, path: &'t str, text: &'t str) -> Self {
        Self {
            secrets,
            text,
            path,
            context: Context::of(path),
            depth: 0,
            found: Vec::new(),
            near: Vec::new(),
            named: 0,
            decoded: 0,
            tests: None,
            kubernetes: None,
            work: text.len().saturating_mul(WORK).max(WORK_LEAST),
        }
    }

    pub(crate) fn run(&mut self) {
        let secrets = self.secrets;
        secrets.keywords.find(self.text.as_bytes(), |hit| self.hit(hit));
        self.windows();
    }

    pub(crate) fn finish(self) -> (Vec<Match<'s>>, Option<Unread>) {
        let unread = (self.work == 0 || self.found.len() >= MOST).then(|| Unread {
            path: self.path.into(),
            reason: UnreadReason::Budget,
            detail: "more candidates than are judged in one file".to_owned(),
        });
        let rules = &self.secrets.rules;
        let severity = |rule: usize| {
            rules.get(rule).map_or(gabion_model::Severity::Low, |compiled| compiled.rule.severity)
        };
        let settled = settle(self.found, severity);
        let shown = settled.iter().filter_map(|one| Some(one.shown(&rules.get(one.rule)?.rule))).collect();
        (shown, unread)
    }

    fn hit(&mut self, hit: Hit) {
        if self.work == 0 || self.found.len() >= MOST {
            return;
        }
        let Some(target) = self.secrets.targets.get(hit.word).copied() else { return };
        match target {
            Target::Leads(rule) => self.leads(rule, hit.start),
            Target::Near(rule) => self.note(rule, hit.start..hit.end),
            Target::Encoded(encoding) => self.encoded(encoding, hit.start..hit.end),
            Target::Name => self.name(hit.start..hit.end),
            Target::Url => self.url(hit.start..hit.end),
            Target::Basic => self.basic(hit.end),
            Target::Bearer => self.bearer(hit.end),
            Target::Pem => self.pem(hit.start),
        }
    }

    /// The context of a place: in Rust tests stand below what they test, and examples in comments.
    fn context_at(&mut self, place: usize) -> Context {
        let mut context = self.context;
        if !context.test && self.path.ends_with(".rs") {
            let text = self.text;
            let tests = *self.tests.get_or_insert_with(|| text.find("#[cfg(test)]").unwrap_or(usize::MAX));
            let line = text.as_bytes().get(place.saturating_sub(200)..place).unwrap_or_default();
            let line = line.rsplit(|byte| *byte == b'\n').next().unwrap_or_default().trim_ascii_start();
            context.test = place > tests || line.starts_with(b"///") || line.starts_with(b"//!");
        }
        context
    }

    fn spend(&mut self, work: usize) {
        self.work = self.work.saturating_sub(work);
    }

    fn leads(&mut self, number: usize, start: usize) {
        let secrets = self.secrets;
        let Some(compiled) = secrets.rules.get(number) else { return };
        let Some(pattern) = &compiled.pattern else { return };
        self.spend(pattern.longest().min(256));
        if let Some((whole, secret)) = pattern.at(self.text, start) {
            self.pattern(number, compiled, &whole, secret);
        }
    }

    /// Keeps a range for later, so that overlapping ones are searched once.
    fn note(&mut self, number: usize, word: Range<usize>) {
        let Some(pattern) = self.secrets.rules.get(number).and_then(|compiled| compiled.pattern.as_ref())
        else {
            return;
        };
        let longest = pattern.longest();
        let range = word.end.saturating_sub(longest)
            ..word.start.saturating_add(longest).saturating_add(1).min(self.text.len());
        match self
            .near
            .iter_mut()
            .rev()
            .take(8)
            .find(|(rule, last)| *rule == number && range.start <= last.end && last.start <= range.start)
        {
            Some((_, last)) => last.end = last.end.max(range.end),
            None => self.near.push((number, range)),
        }
    }

    fn windows(&mut self) {
        let secrets = self.secrets;
        for (number, range) in std::mem::take(&mut self.near) {
            let Some(compiled) = secrets.rules.get(number) else { continue };
            let Some(pattern) = &compiled.pattern else { continue };
            if self.work == 0 {
                return;
            }
            self.spend(range.len());
            let mut hits = Vec::new();
            pattern.within(self.text, range, |whole, secret| hits.push((whole, secret)));
            for (whole, secret) in hits {
                self.pattern(number, compiled, &whole, secret);
            }
        }
    }

    fn pattern(&mut self, number: usize, compiled: &Compiled, whole: &Range<usize>, secret: Range<usize>) {
        let Some(value) = self.text.get(secret.clone()) else { return };
        let finder = &compiled.finder;
        if value.is_empty()
            || entropy(value) < finder.entropy
            || placeholder::is_placeholder(value)
            || self.in_blob(whole.start)
        {
            return;
        }
        let mut unsound = false;
        for check in &finder.checks {
            if !passes(*check, value) {
                // What somebody mangled is still worth a look; a chance match of our own form is not.
                if !matches!(check, Check::Crc32Base62 | Check::AwsKeyId) {
                    return;
                }
                unsound = true;
            }
        }
        let mut confidence = compiled.rule.confidence;
        let test = self.context_at(secret.start).test;
        if unsound || test {
            confidence = confidence.min(Confidence::Medium);
        }
        self.found.push(Candidate {
            rule: number,
            span: secret.clone(),
            secret: value.to_owned(),
            name: None,
            confidence,
            rank: if finder.value.is_some() {
                2
            } else {
                u8::from(finder.checks.contains(&Check::Password)) * 3
            },
            encodings: Vec::new(),
            unsound,
            test,
        });
    }

    /// Whether a place lies inside a long piece of base64, where everything short occurs by chance.
    fn in_blob(&self, start: usize) -> bool {
        let before = self.text.as_bytes().get(start.saturating_sub(64)..start).unwrap_or_default();
        before
            .iter()
            .rev()
            .take_while(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/'))
            .count()
            >= 48
    }

    fn encoded(&mut self, encoding: Encoding, found: Range<usize>) {
        if self.depth >= DEPTH || found.start < self.decoded {
            return;
        }
        let Some(range) = encoded::around(self.text, found, encoding) else { return };
        self.spend(range.len());
        let Some(text) = self.text.get(range.clone()).and_then(|run| encoded::read(run, encoding)) else {
            return;
        };
        self.decoded = range.end;
        let mut inner = Scan::new(self.secrets, self.path, &text);
        inner.depth = self.depth + 1;
        inner.work = self.work;
        inner.run();
        self.work = inner.work;
        for mut candidate in inner.found {
            candidate.span = range.clone();
            candidate.encodings.insert(0, encoding.as_str());
            // What only a name made likely is too little behind an encoding.
            if candidate.name.is_none() {
                self.found.push(candidate);
            }
        }
    }

    fn name(&mut self, word: Range<usize>) {
        if word.end <= self.named || self.context.machine {
            return;
        }
        let range = assignment::name_around(self.text.as_bytes(), word);
        self.named = range.end;
        self.spend(range.len());
        let Some(name) = self.text.get(range.clone()) else { return };
        let Some(assigned) = assignment::read(self.text.as_bytes(), range, self.context.style) else {
            return;
        };
        let Some(kind) = name::kind(name) else { return };
        self.spend(assigned.value.len());
        let context = self.context_at(assigned.value.start);
        let judged = judge::confidence(kind, self.text, &assigned, context);
        let judged = judged.or_else(|| self.kubernetes(kind, &assigned));
        let Some(confidence) = judged else { return };
        let detector = if kind == Kind::Password { Detector::Password } else { Detector::Secret };
        self.detected(detector, assigned.value, Some(name.to_owned()), confidence, 6);
    }

    /// A value of a `Secret` of Kubernetes, which is base64 of what it says.
    fn kubernetes(&mut self, kind: Kind, assigned: &assignment::Assigned) -> Option<Confidence> {
        if self.context.style != Style::Config || kind > Kind::Token {
            return None;
        }
        let text = self.text;
        if !*self.kubernetes.get_or_insert_with(|| text.contains("kind: Secret")) {
            return None;
        }
        let bytes = decode(text.get(assigned.value.clone())?).filter(|bytes| is_text(bytes))?;
        let value = String::from_utf8(bytes).ok()?;
        is_chosen(value.trim()).then_some(if self.context.test {
            Confidence::Low
        } else {
            Confidence::Medium
        })
    }

    fn url(&mut self, separator: Range<usize>) {
        let context = self.context_at(separator.start);
        let Some(found) = url::read(self.text, separator, context) else { return };
        let detector = if found.database { Detector::DatabaseUrl } else { Detector::UrlPassword };
        self.detected(detector, found.password, None, found.confidence, 4);
    }

    /// The word that stands at a place, as credentials in headers are written.
    fn credential(&self, start: usize) -> Option<Range<usize>> {
        let rest = self.text.as_bytes().get(start..start.saturating_add(4096).min(self.text.len()))?;
        let length = rest
            .iter()
            .take_while(|byte| {
                byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/' | b'-' | b'_' | b'.' | b'~' | b'=')
            })
            .count();
        Some(start..start.checked_add(length)?)
    }

    fn basic(&mut self, start: usize) {
        let Some(range) = self.credential(start).filter(|range| range.len() >= 8) else { return };
        let Some(value) = self.text.get(range.clone()) else { return };
        let Some(password) = basic_pair(value) else { return };
        if password.len() < 3 || placeholder::is_placeholder(&password) {
            return;
        }
        let weak = self.context_at(range.start).test || placeholder::is_reference(&password);
        self.detected(
            Detector::BasicAuthorization,
            range,
            None,
            if weak { Confidence::Medium } else { Confidence::High },
            3,
        );
    }

    fn bearer(&mut self, start: usize) {
        let Some(range) = self.credential(start).filter(|range| range.len() >= 16) else { return };
        let Some(value) = self.text.get(range.clone()) else { return };
        let jwt = value.starts_with("eyJ");
        if placeholder::is_placeholder(value) || (jwt && !is_jwt(value)) || !is_random(value) {
            return;
        }
        let confidence = if self.context_at(range.start).test { Confidence::Low } else { Confidence::Medium };
        self.detected(Detector::BearerAuthorization, range, None, confidence, 3);
    }

    fn pem(&mut self, start: usize) {
        let Some(key) = pem::read(self.text, start) else { return };
        self.spend(key.whole.len());
        let detector = if key.encrypted { Detector::EncryptedPrivateKey } else { Detector::PrivateKey };
        let confidence = match (key.intact, self.context_at(start).test) {
            (true, false) => Confidence::High,
            (true, true) | (false, false) => Confidence::Medium,
            (false, true) => Confidence::Low,
        };
        self.detected(detector, key.whole, None, confidence, 1);
    }

    fn detected(
        &mut self,
        detector: Detector,
        span: Range<usize>,
        name: Option<String>,
        confidence: Confidence,
        rank: u8,
    ) {
        let Some(rule) = self.secrets.detector(detector) else { return };
        let Some(secret) = self.text.get(span.clone()) else { return };
        let test = self.context_at(span.start).test;
        let limit =
            self.secrets.rules.get(rule).map_or(Confidence::High, |compiled| compiled.rule.confidence);
        self.found.push(Candidate {
            rule,
            span,
            secret: secret.to_owned(),
            name,
            confidence: confidence.min(limit),
            rank,
            encodings: Vec::new(),
            unsound: false,
            test,
        });
    }
}
