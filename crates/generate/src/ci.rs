//! `gabion generate ci`: what a pipeline asks of Gabion, limited to what the program that writes it can do.

use std::fmt::Write as _;

use crate::{File, Generated, Limit, Origin};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Service {
    GitHub,
    GitLab,
}

/// One thing to run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    pub name: String,
    pub command: String,
}

/// `steps` are run; `missing` are commands that lack what they need.
#[must_use]
pub fn workflow(service: Service, steps: &[Step], missing: &[&str], origin: &Origin) -> Generated {
    let limit = |command: &&str| {
        Limit::new(
            format!("gabion {command}"),
            "needs the running application: start it in a step, describe it in `probe.toml` and make the file anew",
        )
    };
    let limits: Vec<Limit> = missing.iter().map(limit).collect();
    let mut text = origin.header("#", &limits);
    let path = match service {
        Service::GitHub => {
            text.push_str(GITHUB);
            for step in steps {
                let _ = writeln!(text, "      - name: {}\n        run: {}", step.name, step.command);
            }
            ".github/workflows/gabion.yml"
        }
        Service::GitLab => {
            text.push_str(GITLAB);
            for step in steps {
                let _ = writeln!(text, "    - {}", step.command);
            }
            ".gitlab/gabion.yml"
        }
    };
    Generated { files: vec![File { path: path.to_owned(), text }], limits }
}

/// A pipeline of its own that probes the running application at the times of a cron line, and says what changed since the last
/// time. The last report stays where it ran: in the runner's folder, or in the service's cache.
#[must_use]
pub fn schedule(service: Service, cron: &str, origin: &Origin) -> Generated {
    let mut text = origin.header("#", &[]);
    let path = match service {
        Service::GitHub => {
            text.push_str(&NIGHTLY_GITHUB.replace("CRON", cron));
            ".github/workflows/gabion-probe.yml"
        }
        Service::GitLab => {
            let _ = writeln!(text, "# In GitLab, Build > Pipeline schedules: a schedule of `{cron}`.");
            text.push_str(NIGHTLY_GITLAB);
            ".gitlab/gabion-probe.yml"
        }
    };
    Generated { files: vec![File { path: path.to_owned(), text }], limits: Vec::new() }
}

/// Whether a text is a line of five fields, and nothing else could be meant by it in a file.
#[must_use]
pub fn is_cron(text: &str) -> bool {
    let plain = |letter: char| letter.is_ascii_alphanumeric() || "*/,-".contains(letter);
    let fields: Vec<&str> = text.split(' ').collect();
    fields.len() == 5
        && fields.iter().all(|field| !field.is_empty() && field.len() < 40 && field.chars().all(plain))
}

/// What is not checked in stays: the last report is compared with.
const NIGHTLY_GITHUB: &str = "name: gabion probe

on:
  schedule:
    - cron: \"CRON\"
  workflow_dispatch:

permissions:
  contents: read

concurrency:
  group: gabion-probe
  cancel-in-progress: false

jobs:
  probe:
    # A runner on which `gabion` is installed, that reaches the application and keeps its folder. Variables that `probe.toml` names
    # are secrets of the environment `probe`.
    runs-on: self-hosted
    environment: probe
    timeout-minutes: 60
    steps:
      - uses: actions/checkout@11bd71901bbe5b1630ceea73d27597364c9af683 # v4.2.2
        with:
          persist-credentials: false
          clean: false
      - name: Weak points of the running application, and what changed
        run: gabion probe --since last --output markdown=.gabion/probe.md --output html=.gabion/probe.html --output sarif=.gabion/probe.sarif
      - name: Summary
        if: always()
        run: cat .gabion/probe.md >> \"$GITHUB_STEP_SUMMARY\"
";

const NIGHTLY_GITLAB: &str = "# In .gitlab-ci.yml: include: .gitlab/gabion-probe.yml
gabion-probe:
  stage: test
  # A runner on which `gabion` is installed, and that reaches the application. Variables that `probe.toml` names are masked ones.
  tags: [gabion]
  rules:
    - if: $CI_PIPELINE_SOURCE == \"schedule\"
  timeout: 60 minutes
  resource_group: gabion-probe
  cache:
    key: gabion-probe
    when: always
    paths: [.gabion/probe-report.json]
  script:
    - gabion probe --since last --output html=.gabion/probe.html --output junit=.gabion/probe.xml
  artifacts:
    when: always
    access: developer
    paths: [.gabion/probe.html]
    reports:
      junit: .gabion/probe.xml
";

/// The action is pinned to the commit of its release v4.2.2.
const GITHUB: &str = "name: gabion

on:
  push:
    branches: [main]
  pull_request:

permissions:
  contents: read

concurrency:
  group: gabion-${{ github.ref }}
  cancel-in-progress: true

jobs:
  gabion:
    # A runner on which `gabion` is installed: there is no download to name here. Requests from forks start nothing on it.
    if: github.event_name == 'push' || github.event.pull_request.head.repo.full_name == github.repository
    runs-on: self-hosted
    timeout-minutes: 10
    steps:
      - uses: actions/checkout@11bd71901bbe5b1630ceea73d27597364c9af683 # v4.2.2
        with:
          persist-credentials: false
";

const GITLAB: &str = "# In .gitlab-ci.yml: include: .gitlab/gabion.yml
gabion:
  stage: test
  # A runner on which `gabion` is installed: there is no download to name here.
  tags: [gabion]
  timeout: 10 minutes
  interruptible: true
  script:
";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_of_cron_is_nothing_else() {
        assert!(is_cron("0 3 * * *") && is_cron("*/15 0-6 1,15 * MON"));
        for wrong in ["", "0 3 * *", "0 3 * * * *", "0  3 * *", "0 3 * * \"", "0 3 * * *\n", "0 3 * * #"] {
            assert!(!is_cron(wrong), "{wrong:?}");
        }
    }
}
