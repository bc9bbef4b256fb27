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
