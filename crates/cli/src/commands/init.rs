//! `gabion init`: a first configuration for the application on this machine.

mod framework;
mod stated;
mod template;

use std::fs::OpenOptions;
use std::io::{self, Write as _};
use std::net::{Ipv4Addr, TcpListener};
use std::path::Path;

use gabion_gateway::Upstream;

use crate::arguments::Init;
use crate::failure::{Exit, Failure};
use crate::output::{self, FAINT, GOOD, PLACE, STRONG};
use framework::Framework;

/// Where applications in development usually listen.
const USUAL_PORTS: &[u16] = &[3000, 8000, 5000, 4000, 5173, 8080, 8081, 8888, 9000];
/// Where the gate listens: the first that is free and not the application's own.
const OWN_PORTS: std::ops::RangeInclusive<u16> = 8080..=8099;

/// How the application was found.
#[derive(Debug, PartialEq, Eq)]
enum Found {
    /// Said on the command line.
    Told,
    /// A file of the project states the port, and it answers or not.
    Stated { file: &'static str, answers: bool },
    /// It answered where the framework listens.
    Answered,
    /// Something answered on a port that applications use.
    Something,
    /// Nothing answered; the usual place is a guess.
    Nowhere,
}

pub(super) fn run(arguments: &Init) -> Result<Exit, Failure> {
    let directory = &arguments.directory;
    if !directory.is_dir() {
        return Err(Failure::usage(format!("`{}` is not a folder", directory.display()))
            .hint("name the folder of your application, or leave it out for the present one"));
    }
    let framework = Framework::detect(directory);
    let (url, found) = match &arguments.upstream {
        Some(url) => (told(url)?, Found::Told),
        None => look(&stated::ports(directory), framework, crate::probe::http_on),
    };
    let (own_port, taken) = own_port(&url, |port| TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_ok());
    let text = template::render(&template::Facts { upstream: &url, framework, own_port });
    let path = directory.join("gabion.toml");
    write(&path, &text, arguments.force)?;

    let shown = path.strip_prefix(".").unwrap_or(&path).display();
    let kind = framework.filter(|_| found != Found::Something);
    let kind = kind.map(|framework| format!(" ({})", framework.name)).unwrap_or_default();
    output::note(format_args!(
        "{GOOD}wrote{GOOD:#} {STRONG}{shown}{STRONG:#}: whoever wants to reach {PLACE}{url}{PLACE:#}{kind} signs in first"
    ));
    if let Some(doubt) = found.doubt(&url) {
        output::warn(doubt);
    }
    if let Some(taken) = taken {
        output::warn(format_args!("port {taken} is taken; the gate will listen on {own_port}"));
    }
    let folder = if directory.as_path() == Path::new(".") {
        String::new()
    } else {
        format!("cd {} && ", directory.display())
    };
    output::note(format_args!(
        "{FAINT}next:{FAINT:#} {STRONG}{folder}gabion run{STRONG:#}, then open the one-time link it prints\n\
         {FAINT}then:{FAINT:#} your application is at {PLACE}http://127.0.0.1:{own_port}/{PLACE:#}\n\
         {FAINT}more:{FAINT:#} gabion config explain routes"
    ));
    Ok(Exit::Success)
}

fn told(url: &str) -> Result<String, Failure> {
    let url = url.trim_end_matches('/').to_owned();
    let upstream = Upstream { url: url.clone(), ..Upstream::default() };
    match upstream.problems().into_iter().next() {
        None => Ok(url),
        Some(problem) => {
            let failure = Failure::usage(format!("`--upstream {url}`: {}", problem.reason));
            Err(match problem.hint {
                Some(hint) => failure.hint(hint),
                None => failure,
            })
        }
    }
}

/// What the project states, then where its framework listens, then anything: `answers` says whether an
/// application does, and where.
fn look(
    stated: &[stated::Stated],
    framework: Option<&Framework>,
    answers: impl Fn(u16) -> Option<String>,
) -> (String, Found) {
    let at = |port: u16| format!("http://127.0.0.1:{port}");
    let answering = stated.iter().find_map(|stated| Some((answers(stated.port)?, stated.file)));
    if let Some((url, file)) = answering {
        return (url, Found::Stated { file, answers: true });
    }
    if let Some(stated) = stated.first() {
        return (at(stated.port), Found::Stated { file: stated.file, answers: false });
    }
    let usual = framework.map(|framework| framework.port);
    if let Some(url) = usual.and_then(&answers) {
        return (url, Found::Answered);
    }
    let mut others = USUAL_PORTS.iter().copied().filter(|port| Some(*port) != usual);
    match others.find_map(answers) {
        Some(url) => (url, Found::Something),
        None => (at(usual.unwrap_or(3000)), Found::Nowhere),
    }
}

impl Found {
    /// What may be wrong with it, and the way out.
    fn doubt(&self, url: &str) -> Option<String> {
        let authority = authority(url);
        match self {
            Self::Told if crate::probe::connects(&authority).is_err() => {
                Some(format!("nothing listens on {authority} yet; start your application there"))
            }
            Self::Stated { file, answers: false } => Some(format!(
                "`{file}` names the port, but no application answers on {authority} yet; start it there"
            )),
            Self::Something => Some(format!(
                "something listens on {authority}; change `url` under [upstreams.app] if that is not your application"
            )),
            Self::Nowhere => Some(
                "no application answered on the usual ports; set `url` under [upstreams.app] to where yours listens"
                    .to_owned(),
            ),
            Self::Told | Self::Stated { .. } | Self::Answered => None,
        }
    }
}

/// `host:port` of a URL that was found right.
fn authority(url: &str) -> String {
    let (scheme, rest) = url.split_once("://").unwrap_or(("http", url));
    let authority = rest.split('/').next().unwrap_or(rest);
    let port = if scheme == "https" { 443 } else { 80 };
    let named = authority.rsplit_once(':').is_some_and(|(_, port)| !port.ends_with(']'));
    if named { authority.to_owned() } else { format!("{authority}:{port}") }
}

/// The port for the gate, and the one it would have had, were that not taken by somebody else.
fn own_port(url: &str, free: impl Fn(u16) -> bool) -> (u16, Option<u16>) {
    let application = |port: &u16| url.ends_with(&format!(":{port}"));
    let mut wanted = OWN_PORTS.filter(|port| !application(port));
    let first = wanted.next().unwrap_or(8080);
    match std::iter::once(first).chain(wanted).find(|port| free(*port)) {
        Some(port) => (port, (port != first).then_some(first)),
        None => (first, None),
    }
}

fn write(path: &Path, text: &str, force: bool) -> Result<(), Failure> {
    let mut options = OpenOptions::new();
    options.write(true);
    if force {
        options.create(true).truncate(true);
    } else {
        options.create_new(true);
    }
    options.open(path).and_then(|mut file| file.write_all(text.as_bytes())).map_err(|error| {
        if error.kind() == io::ErrorKind::AlreadyExists {
            return Failure::usage(format!("`{}` is there already", path.display()))
                .hint("`gabion config check` checks it; `--force` replaces it");
        }
        Failure::new(format!("cannot write `{}`", path.display())).because(&error)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(stated: &[(u16, &'static str)], gemfile: bool, answering: &[u16]) -> (String, Found) {
        let folder = tempfile::tempdir().unwrap();
        if gemfile {
            std::fs::write(folder.path().join("Gemfile"), "gem 'sinatra'").unwrap();
        }
        let stated: Vec<_> = stated.iter().map(|(port, file)| stated::Stated { port: *port, file }).collect();
        look(&stated, Framework::detect(folder.path()), |port| {
            answering.contains(&port).then(|| format!("http://127.0.0.1:{port}"))
        })
    }

    #[test]
    fn what_the_project_states_comes_first_and_a_guess_is_called_one() {
        let at = |port: u16| format!("http://127.0.0.1:{port}");
        let (both, file) = (&[(3100, "package.json"), (3200, ".env")], ".env");
        assert_eq!(found(both, true, &[3000, 3200, 4567]), (at(3200), Found::Stated { file, answers: true }));
        let file = "package.json";
        assert_eq!(found(both, true, &[3000, 4567]), (at(3100), Found::Stated { file, answers: false }));
        assert_eq!(found(&[], true, &[3000, 4567]), (at(4567), Found::Answered));
        assert_eq!(found(&[], true, &[3000]), (at(3000), Found::Something));
        assert_eq!(found(&[], true, &[]), (at(4567), Found::Nowhere));
        let doubt = Found::Something.doubt(&at(3000)).unwrap();
        assert!(doubt.starts_with("something listens on 127.0.0.1:3000; change `url`"), "{doubt}");
    }

    #[test]
    fn the_gate_takes_the_first_free_port_that_is_not_the_applications() {
        let upstream = "http://127.0.0.1:8080";
        assert_eq!(own_port("http://127.0.0.1:3000", |_| true), (8080, None));
        assert_eq!(own_port(upstream, |_| true), (8081, None));
        assert_eq!(own_port(upstream, |port| port > 8082), (8083, Some(8081)));
        assert_eq!(own_port(upstream, |_| false), (8081, None));
    }

    #[test]
    fn an_authority_always_has_a_port() {
        assert_eq!(authority("http://a.example"), "a.example:80");
        assert_eq!(authority("https://a.example/x"), "a.example:443");
        assert_eq!(authority("https://[::1]"), "[::1]:443");
        assert_eq!(authority("http://[::1]:3000"), "[::1]:3000");
    }
}
