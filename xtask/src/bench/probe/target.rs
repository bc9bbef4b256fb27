//! The straw man as a process of its own, started anew for every run, which says at its end how many requests came.

use std::io::{BufRead as _, BufReader, Read as _};
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Stdio};

use crate::bench::Failure;
use crate::bench::http::{ask, encoded};

/// A running application.
pub(super) struct Target {
    child: Child,
    said: BufReader<ChildStdout>,
    /// `http://127.0.0.1:PORT`
    pub(super) base: String,
    /// Requests of the bench itself.
    own: u64,
}

/// Somebody who has an account there.
pub(super) struct Person {
    pub(super) name: &'static str,
    pub(super) password: &'static str,
    pub(super) role: &'static str,
    pub(super) tenant: &'static str,
}

/// The two logins that every tool is given which takes two: a member of one tenant and an administrator of the other.
pub(super) const PEOPLE: [Person; 2] = [
    // gabion:allow generic.password an account of the straw man, which lives as long as the run
    Person { name: "alice", password: "violet-harbour-drums-41", role: "member", tenant: "acme" },
    // gabion:allow generic.password an account of the straw man, which lives as long as the run
    Person { name: "gus", password: "maple-anchor-ribbon-85", role: "admin", tenant: "globex" },
];

impl Target {
    /// Starts it on a free port.
    pub(super) fn start(program: &Path, repaired: bool) -> Result<Self, Failure> {
        let mut command = Command::new(program);
        command.args(["--port", "0"]);
        if repaired {
            command.arg("--repaired");
        }
        let mut child = command.stdin(Stdio::null()).stdout(Stdio::piped()).spawn()?;
        let mut said = BufReader::new(child.stdout.take().ok_or("no output of the straw man")?);
        let mut base = String::new();
        said.read_line(&mut base)?;
        let base = base.trim().to_owned();
        if base.is_empty() {
            return Err("the straw man did not start".into());
        }
        Ok(Self { child, said, base, own: 0 })
    }

    /// `127.0.0.1:PORT`
    pub(super) fn authority(&self) -> &str {
        self.base.trim_start_matches("http://")
    }

    /// The cookie of the first of [`PEOPLE`], for tools that cannot sign in here by themselves.
    pub(super) fn cookie(&mut self) -> Result<String, Failure> {
        let [person, _] = &PEOPLE;
        let body = format!("name={}&password={}", encoded(person.name), encoded(person.password));
        let authority = self.authority();
        let answer = ask(
            authority.parse()?,
            &format!(
                "POST /login HTTP/1.1\r\nHost: {authority}\r\nContent-Type: application/x-www-form-urlencoded\r\n\
                 Content-Length: {}\r\nConnection: close\r\n\r\n{body}",
                body.len()
            ),
        )?;
        self.own += 1;
        let cookie = answer.lines().find_map(|line| {
            let (name, value) = line.split_once(':')?;
            let value = value.split(';').next().unwrap_or(value).trim().to_owned();
            name.eq_ignore_ascii_case("set-cookie").then_some(value)
        });
        cookie.ok_or_else(|| format!("no session:\n{answer}").into())
    }

    /// Ends it. Returns how many requests came to it.
    pub(super) fn stop(mut self) -> Result<u64, Failure> {
        Command::new("kill").arg(self.child.id().to_string()).status()?;
        let mut rest = String::new();
        self.said.read_to_string(&mut rest)?;
        let count = rest.lines().find_map(|line| line.strip_suffix(" requests")?.parse::<u64>().ok());
        let count = count.ok_or("the straw man fell over: it did not say how many requests came")?;
        Ok(count.saturating_sub(self.own))
    }
}

impl Drop for Target {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
