//! Fetches advisories through the guarded client: one archive for each ecosystem, scores besides.

use std::io::{Seek as _, Write as _};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use gabion_egress::resolve::SystemResolver;
use gabion_egress::{
    Client, EgressSettings, Guard, Host, Scheme, Target, TcpDial, TransferMethod, TransferRequest,
};
use gabion_finding::Ecosystem;
use gabion_model::outbound::{Fetch as _, FetchMethod, FetchRequest};
use gabion_model::{Clock as _, Period, Secret, SystemClock};
use gabion_scan::advisories::Import;
use gabion_scan::visible;

use super::{keep, unread, wanted, warn_of};
use crate::arguments::{DbUpdate, OSV};
use crate::failure::{Exit, Failure};
use crate::output;
use crate::output::progress::Progress;

const EPSS: &str = "https://epss.empiricalsecurity.com/epss_scores-current.csv.gz";
const KEV: &str = "https://www.cisa.gov/sites/default/files/feeds/known_exploited_vulnerabilities.json";
/// Bytes of one archive.
const ARCHIVE: u64 = 4 << 30;
/// Bytes of scores.
const SCORES: usize = 64 << 20;
const SILENCE: Duration = Duration::from_secs(60);
const PATIENCE: Duration = Duration::from_secs(45 * 60);

pub(super) async fn update(arguments: &DbUpdate) -> Result<Exit, Failure> {
    let file = wanted(&arguments.database)?;
    let ecosystems = ecosystems(&arguments.ecosystem)?;
    let folder = file.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    std::fs::create_dir_all(folder).map_err(|error| {
        Failure::new(format!("cannot make `{}`", gabion_scan::shown(folder))).because(&error)
    })?;
    let base = arguments.from.trim_end_matches('/');
    let client = client(base, arguments)?;
    let mut import = Import::default();
    for ecosystem in ecosystems {
        let before = import.imported().packages;
        let url = format!("{base}/{}/all.zip", ecosystem.as_str());
        let archive = archive(&client, &url, folder, ecosystem).await?;
        import.add(archive.path()).map_err(|error| unread(&error))?;
        if import.imported().packages == before {
            return Err(Failure::new(format!(
                "`{url}` has no advisory about packages of {}",
                ecosystem.as_str()
            ))
            .hint("what was kept before stands"));
        }
    }
    // Scores only rank what is found: without them it is found all the same.
    let own = base == OSV;
    let scores =
        [(&arguments.epss, EPSS, "epss.csv"), (&arguments.kev, KEV, "known_exploited_vulnerabilities.json")];
    for (given, usual, name) in scores {
        let Some(url) = given.as_deref().or_else(|| own.then_some(usual)) else { continue };
        let client = self::client(url, arguments)?;
        if let Err(reason) = score(&client, url, name, folder, &mut import).await {
            output::warn(format_args!("`{}` is left out: {}", visible(url), visible(&reason)));
        }
    }
    warn_of(&import);
    let now = SystemClock.now();
    let source: String = base.split_once("://").map_or(base, |(_, rest)| rest).chars().take(200).collect();
    let source = if own { "osv.dev".to_owned() } else { source };
    keep(&file, &import.build(&source, now.as_secs()), now)?;
    Ok(Exit::Success)
}

fn ecosystems(names: &[String]) -> Result<Vec<Ecosystem>, Failure> {
    if names.is_empty() {
        return Ok(Ecosystem::ALL.to_vec());
    }
    let all = || Ecosystem::ALL.iter().map(|it| it.as_str()).collect::<Vec<_>>().join(", ");
    let mut chosen: Vec<Ecosystem> = Vec::new();
    for name in names {
        let found = Ecosystem::ALL.iter().find(|it| it.as_str().eq_ignore_ascii_case(name));
        let found = found.ok_or_else(|| {
            Failure::usage(format!("`{}` is no ecosystem that is judged here", visible(name)))
                .hint(format!("these are: {}", all()))
        })?;
        if !chosen.contains(found) {
            chosen.push(*found);
        }
    }
    Ok(chosen)
}

/// A client that reaches the internet, and the one host that somebody named, wherever it is. Plain HTTP only to this machine.
fn client(url: &str, arguments: &DbUpdate) -> Result<Client, Failure> {
    let refused =
        |why: String| Failure::usage(format!("`{}` cannot be fetched from", visible(url))).because_text(why);
    let target = Target::parse(url).map_err(|refusal| refused(refusal.to_string()))?;
    let local = match &target.authority.host {
        Host::Address(address) => address.is_loopback(),
        Host::Name(name) => name == "localhost",
    };
    if target.scheme == Scheme::Http && !local {
        return Err(refused("it is plain http: whoever stands between could take advisories out".to_owned())
            .hint("use https; `--ca-file` names the authority of a mirror of yours"));
    }
    let settings = EgressSettings {
        ca_file: arguments.ca_file.clone(),
        timeout: Period::from_secs(60),
        ..EgressSettings::default()
    };
    let client = Client::new(&settings).map_err(|error| refused(error.to_string()))?;
    let known = [OSV, EPSS, KEV].contains(&url);
    let named = if known { Vec::new() } else { vec![target.authority] };
    let guard = Guard::internet(named, settings.ports);
    Ok(client.with(guard, Arc::new(SystemResolver), Arc::new(TcpDial)))
}

async fn archive(
    client: &Client,
    url: &str,
    folder: &Path,
    ecosystem: Ecosystem,
) -> Result<tempfile::NamedTempFile, Failure> {
    let failed = |why: String| {
        Failure::new(format!("cannot fetch `{}`", visible(url)))
            .because_text(visible(&why))
            .hint("what was kept before stands; `gabion scan db import` takes archives that came another way")
    };
    let request = TransferRequest {
        method: TransferMethod::Get,
        url: url.to_owned(),
        headers: Vec::new(),
        body: None,
        silence: SILENCE,
        deadline: PATIENCE,
    };
    let mut answer = client.transfer(request).await.map_err(|error| failed(error.to_string()))?;
    if answer.status != 200 {
        return Err(failed(format!("it answers {}", answer.status)));
    }
    let length = answer.headers.iter().find(|(name, _)| name == "content-length");
    let length: u64 = length.and_then(|(_, value)| value.parse().ok()).unwrap_or(0);
    let mut file = tempfile::Builder::new()
        .prefix(".advisories-")
        .suffix(".zip")
        .tempfile_in(folder)
        .map_err(|error| failed(error.to_string()))?;
    let progress = Progress::of(0);
    progress.say(ecosystem.as_str());
    let mut done = 0_u64;
    while let Some(piece) = answer.next().await.map_err(|error| failed(error.to_string()))? {
        done = done.saturating_add(u64::try_from(piece.len()).unwrap_or(u64::MAX));
        if done > ARCHIVE {
            return Err(failed("it is larger than 4 GiB".to_owned()));
        }
        file.write_all(&piece).map_err(|error| failed(error.to_string()))?;
        progress.set(done >> 10, length.max(done) >> 10);
    }
    progress.finish();
    if length > 0 && done != length {
        return Err(failed(format!("it ended after {done} of {length} bytes")));
    }
    file.flush().and_then(|()| file.rewind()).map_err(|error| failed(error.to_string()))?;
    Ok(file)
}

async fn score(
    client: &Client,
    url: &str,
    name: &str,
    folder: &Path,
    import: &mut Import,
) -> Result<(), String> {
    let request = FetchRequest {
        method: FetchMethod::Get,
        url: url.to_owned(),
        headers: Vec::new(),
        body: Secret::new(Vec::new()),
        largest: SCORES,
        deadline: SILENCE,
        redirects: 3,
    };
    let answer = client.fetch(request).await.map_err(|error| error.to_string())?;
    if answer.status != 200 {
        return Err(format!("it answers {}", answer.status));
    }
    let packed = if answer.body.starts_with(&[0x1F, 0x8B]) { ".gz" } else { "" };
    let beside = tempfile::Builder::new()
        .prefix(".advisories-")
        .tempdir_in(folder)
        .map_err(|error| error.to_string())?;
    let file = beside.path().join(format!("{name}{packed}"));
    std::fs::write(&file, &answer.body).map_err(|error| error.to_string())?;
    let before = import.scored();
    import.add(&file).map_err(|error| error.to_string())?;
    if import.scored() == before { Err("it has no scores".to_owned()) } else { Ok(()) }
}
