//! `gabion init`: a first configuration for the application on this machine.

mod framework;
mod template;

use std::fs::OpenOptions;
use std::io::{self, Write as _};
use std::path::Path;

use gabion_gateway::Upstream;

use crate::arguments::Init;
use crate::failure::{Exit, Failure};
use crate::output::{self, FAINT, GOOD, PLACE, STRONG};
use framework::Framework;

/// Where applications in development usually listen.
const USUAL_PORTS: &[u16] = &[3000, 8000, 5000, 4000, 5173, 8080, 8081, 8888, 9000];
/// Where the gate listens: the first that is not the application's own.
const OWN_PORTS: &[u16] = &[8080, 8081];

/// How the application was found.
enum Found {
    /// Said on the command line.
    Told,
    /// It answered on this machine.
    Answered,
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
        None => look(framework),
    };
    let own_port = OWN_PORTS.iter().copied().find(|port| !url.ends_with(&format!(":{port}"))).unwrap_or(8080);
    let text = template::render(&template::Facts { upstream: &url, framework, own_port });
    let path = directory.join("gabion.toml");
    write(&path, &text, arguments.force)?;

    let shown = path.strip_prefix(".").unwrap_or(&path).display();
    let kind = framework.map(|framework| format!(" ({})", framework.name)).unwrap_or_default();
    output::note(format_args!(
        "{GOOD}wrote{GOOD:#} {STRONG}{shown}{STRONG:#}: whoever wants to reach {PLACE}{url}{PLACE:#}{kind} signs in first"
    ));
    if matches!(found, Found::Nowhere) {
        output::warn(
            "no application answered on the usual ports; set `url` under [upstreams.app] to where yours listens",
        );
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

fn look(framework: Option<&Framework>) -> (String, Found) {
    let usual = framework.map(|framework| framework.port);
    let others = USUAL_PORTS.iter().copied().filter(|port| Some(*port) != usual);
    match usual.into_iter().chain(others).find_map(crate::probe::http_on) {
        Some(url) => (url, Found::Answered),
        None => (format!("http://127.0.0.1:{}", usual.unwrap_or(3000)), Found::Nowhere),
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
