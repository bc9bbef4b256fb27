//! `gabion scan --live`: asks whoever issued them whether secrets still work, through the guarded client: each secret once, only its
//! issuer, by https, without following anybody elsewhere.

use std::collections::BTreeMap;
use std::sync::Arc;

use gabion_egress::resolve::SystemResolver;
use gabion_egress::{Client, EgressSettings, Guard, Host, NamePattern, Target, TcpDial};
use gabion_finding::{Finding, RuleId};
use gabion_model::Secret;
use gabion_model::outbound::Fetch;
use gabion_scan::live::{Issuers, Live, Question, apply};
use gabion_scan::{Beside, Choice, Elsewhere, Scan};
use gabion_vault::sha256;
use tokio::task::JoinSet;

use crate::failure::Failure;
use crate::output;

/// Secrets that are asked about in one run.
const MOST: usize = 500;
/// Issuers that are asked at the same time; each of them is asked one thing after the other.
const TOGETHER: usize = 8;

/// Asks about every secret of the rules that were chosen.
pub(super) fn ask(scan: &mut Scan, beside: &mut Beside, choice: &Choice<'_>) -> Result<(), Failure> {
    let broken = |why: String| Failure::new("the issuers of secrets cannot be read").because_text(why);
    let issuers = Issuers::shipped().map_err(broken)?;
    let client = client(&issuers)?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| Failure::new("cannot wait for answers").because(&error))?;
    let told = runtime.block_on(asked(scan, beside, &issuers, choice, Arc::new(client)));
    output::note(told);
    Ok(())
}

/// A client that reaches the issuers and nobody else.
fn client(issuers: &Issuers) -> Result<Client, Failure> {
    let refused = |why: String| Failure::new("issuers of secrets cannot be asked").because_text(why);
    let settings = EgressSettings::default();
    let client = Client::new(&settings).map_err(|error| refused(error.to_string()))?;
    let mut only = Vec::new();
    for address in issuers.addresses() {
        let target =
            Target::parse(&address.replace("{secret}", "x")).map_err(|why| refused(why.to_string()))?;
        if let Host::Name(name) = target.authority.host {
            only.push(NamePattern::new(&name));
        }
    }
    let guard = Guard { only: Some(only), ..Guard::internet(Vec::new(), settings.ports) };
    Ok(client.with(guard, Arc::new(SystemResolver), Arc::new(TcpDial)))
}

/// The findings a question is about.
#[derive(Debug, Default)]
struct About {
    files: Vec<usize>,
    history: Vec<usize>,
    archives: Vec<usize>,
}

/// Asks, and says it of the findings. What to tell.
async fn asked<F: Fetch + 'static>(
    scan: &mut Scan,
    beside: &mut Beside,
    issuers: &Issuers,
    choice: &Choice<'_>,
    fetch: Arc<F>,
) -> String {
    let mut questions: BTreeMap<(String, [u8; 32]), (Question, About)> = BTreeMap::new();
    let mut left = 0_usize;
    let mut add = |rule: &RuleId, secret: &str, into: &dyn Fn(&mut About)| {
        if !choice.has(rule) {
            return;
        }
        let Some(question) = issuers.question(rule.as_str(), secret) else { return };
        // An address and what is sent there are the question; neither is printed.
        let sent = question.request.headers.iter().map(|(_, value)| value.expose().as_str());
        let sent = Secret::new(format!("{} {}", question.request.url, sent.collect::<Vec<_>>().join("\n")));
        let key = (question.issuer.clone(), sha256(sent.expose().as_bytes()));
        if questions.len() >= MOST && !questions.contains_key(&key) {
            left = left.saturating_add(1);
            return;
        }
        into(&mut questions.entry(key).or_insert_with(|| (question, About::default())).1);
    };
    for (at, secret) in in_files(scan, issuers) {
        if let Some(finding) = scan.findings.get(at) {
            add(&finding.rule, secret.expose(), &|about| about.files.push(at));
        }
    }
    let each = |all: Option<&Vec<Elsewhere>>| -> Vec<(usize, RuleId, Secret<String>)> {
        let all = all.into_iter().flatten().enumerate();
        all.filter_map(|(at, one)| {
            let secret = one.secret.clone()?;
            Some((at, one.finding.rule.clone(), secret))
        })
        .collect()
    };
    for (at, rule, secret) in each(beside.history.as_ref().map(|history| &history.findings)) {
        add(&rule, secret.expose(), &|about| about.history.push(at));
    }
    for (at, rule, secret) in each(beside.archives.as_ref().map(|archives| &archives.findings)) {
        add(&rule, secret.expose(), &|about| about.archives.push(at));
    }
    let mut by_issuer: BTreeMap<String, Vec<(Question, About)>> = BTreeMap::new();
    for ((issuer, _), one) in questions {
        by_issuer.entry(issuer).or_default().push(one);
    }
    let count = by_issuer.len();
    let mut waiting = by_issuer.into_values();
    let mut running = JoinSet::new();
    let (mut works, mut revoked, mut unknown) = (0_usize, 0_usize, 0_usize);
    loop {
        while running.len() < TOGETHER
            && let Some(queue) = waiting.next()
        {
            let fetch = Arc::clone(&fetch);
            running.spawn(async move {
                let mut answers = Vec::new();
                for (question, about) in queue {
                    let answer = fetch.fetch(question.request.clone()).await;
                    answers.push((question, about, answer));
                }
                answers
            });
        }
        let Some(ended) = running.join_next().await else { break };
        for (question, about, answer) in ended.unwrap_or_default() {
            let live = issuers.meaning(&question, &answer);
            let counted = match live {
                Live::Works => &mut works,
                Live::Revoked => &mut revoked,
                Live::Unknown(_) => &mut unknown,
            };
            *counted = counted.saturating_add(1);
            tell(scan, beside, &about, &live);
        }
    }
    let all = works.saturating_add(revoked).saturating_add(unknown);
    let more = if left > 0 { format!("; nobody was asked about {left} more") } else { String::new() };
    format!(
        "asked issuers ({count}) about secrets ({all}): {works} work, {revoked} revoked, {unknown} unknown{more}"
    )
}

/// What is not shown of findings, where that is one text, by their number.
fn in_files(scan: &Scan, issuers: &Issuers) -> Vec<(usize, Secret<String>)> {
    let rules: Vec<&str> = issuers.rules().collect();
    let mut secrets = Vec::new();
    let mut open: Option<(Arc<str>, Option<gabion_finding::Source>)> = None;
    for (at, finding) in scan.findings.iter().enumerate() {
        let [span] = finding.hidden.as_slice() else { continue };
        if !rules.contains(&finding.rule.as_str()) {
            continue;
        }
        let path = &finding.place.path;
        if open.as_ref().is_none_or(|(name, _)| name != path) {
            open = Some((Arc::clone(path), scan.source(path)));
        }
        if let Some((_, Some(source))) = &open {
            secrets.push((at, Secret::new(span.of(source.text()).to_owned())));
        }
    }
    secrets
}

fn tell(scan: &mut Scan, beside: &mut Beside, about: &About, live: &Live) {
    let each = |finding: Option<&mut Finding>| {
        if let Some(finding) = finding {
            apply(finding, live);
        }
    };
    for at in &about.files {
        each(scan.findings.get_mut(*at));
    }
    let history = beside.history.as_mut().map(|history| &mut history.findings);
    for (all, numbers) in [
        (history, &about.history),
        (beside.archives.as_mut().map(|archives| &mut archives.findings), &about.archives),
    ] {
        let Some(all) = all else { continue };
        for at in numbers {
            each(all.get_mut(*at).map(|one| &mut one.finding));
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::io::{Read as _, Write as _};
    use std::net::TcpListener;

    use gabion_egress::Authority;
    use gabion_model::{Clock as _, Severity, SystemClock};
    use gabion_scan::{ScanOptions, WalkOptions, kit};

    use super::*;

    /// Answers so many requests; what was asked.
    fn issuer(answers: &'static [(&str, u16)]) -> (u16, std::thread::JoinHandle<Vec<String>>) {
        let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
        let port = listener.local_addr().unwrap().port();
        let served = std::thread::spawn(move || {
            let mut asked = Vec::new();
            for _ in answers {
                let (mut stream, _) = listener.accept().unwrap();
                let mut head = Vec::new();
                let mut piece = [0_u8; 1024];
                while !head.windows(4).any(|four| four == b"\r\n\r\n") {
                    let read = stream.read(&mut piece).unwrap();
                    head.extend_from_slice(&piece[..read]);
                }
                let head = String::from_utf8(head).unwrap();
                let status =
                    answers.iter().find(|(word, _)| head.contains(word)).map_or(404, |(_, status)| *status);
                write!(stream, "HTTP/1.1 {status} X\r\ncontent-length: 2\r\nconnection: close\r\n\r\n{{}}")
                    .unwrap();
                asked.push(head);
            }
            asked
        });
        (port, served)
    }

    fn scanned(root: &std::path::Path) -> Scan {
        let options = ScanOptions {
            root: root.to_path_buf(),
            walk: WalkOptions::default(),
            largest: 1 << 20,
            threads: 1,
            cache: None,
            now: SystemClock.now(),
        };
        gabion_scan::scan(&options, &kit::scanners(&kit::RuleFolder::default()).unwrap(), &()).unwrap()
    }

    fn all() -> Choice<'static> {
        Choice {
            confidence: gabion_finding::Confidence::Medium,
            fail_on: None,
            only: &[],
            skip: &[],
            baseline: None,
            changes: None,
            strict: false,
            now: SystemClock.now(),
        }
    }

    #[tokio::test]
    async fn each_secret_is_asked_about_once_and_its_finding_says_what_was_answered() {
        // In pieces: these are nobody's, and scanners shall not think otherwise.
        let works = format!("{}{}", "sk_live_", "7vQm2RkTz9LxWp4NcHs8YbGd");
        let revoked = format!("{}{}", "sk_live_", "H8sJ2eZvKYlo2C9mQp7RtXnB");
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("a.py"), format!("key = \"{works}\"\nold = \"{revoked}\"\n")).unwrap();
        fs::write(folder.path().join("b.py"), format!("key = \"{works}\"\n")).unwrap();
        let (port, served) = issuer(&[("7vQm2", 200), ("H8sJ2", 401)]);
        let issuers = format!(
            "[[issuer]]\nname = 'Pay'\nrules = ['stripe.secret-key']\nurl = 'http://127.0.0.1:{port}/v1/balance'\n\
             headers = {{ authorization = 'Bearer {{secret}}' }}\nworks = [200]\nrevoked = [401]\nsource = ''\n"
        );
        let issuers = Issuers::read(&issuers).unwrap();
        let guard = Guard::internet(vec![Authority::parse(&format!("127.0.0.1:{port}")).unwrap()], vec![443]);
        let client = Client::new(&EgressSettings::default()).unwrap();
        let client = client.with(guard, Arc::new(SystemResolver), Arc::new(TcpDial));
        let client = Arc::new(client);
        let mut scan = scanned(folder.path());
        // Whoever left the rule out has nothing of it sent.
        let skip = ["stripe".to_owned()];
        let none = Choice { skip: &skip, ..all() };
        let told = asked(&mut scan, &mut Beside::default(), &issuers, &none, Arc::clone(&client)).await;
        assert_eq!(told, "asked issuers (0) about secrets (0): 0 work, 0 revoked, 0 unknown");
        let told = asked(&mut scan, &mut Beside::default(), &issuers, &all(), client).await;
        assert_eq!(told, "asked issuers (1) about secrets (2): 1 work, 1 revoked, 0 unknown");
        let said: Vec<(&str, &str, Severity)> = scan
            .findings
            .iter()
            .filter(|finding| finding.rule.as_str() == "stripe.secret-key")
            .map(|finding| (&*finding.place.path, finding.properties["live"].as_str(), finding.severity))
            .collect();
        assert_eq!(
            said,
            [
                ("a.py", "works", Severity::Critical),
                ("a.py", "revoked", Severity::Low),
                ("b.py", "works", Severity::Critical)
            ]
        );
        let heads = served.join().unwrap();
        assert!(heads.iter().all(|head| head.starts_with("GET /v1/balance HTTP/1.1\r\n")));
        assert!(!format!("{scan:?}").contains(&works));
    }

    #[tokio::test]
    async fn nobody_but_issuers_is_reached() {
        let client = client(&Issuers::shipped().unwrap()).unwrap();
        for address in [
            "https://evil.example/",
            "https://api.github.com.evil.example/",
            "https://127.0.0.1/",
            "http://api.github.com/",
        ] {
            assert!(client.check(address).await.is_err(), "{address}");
        }
    }
}
