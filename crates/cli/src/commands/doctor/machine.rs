//! The machine: directory, clock, space, limits.

use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

use gabion_model::{ByteSize, Clock as _, SystemClock, Timestamp};
use rustix::process::{Resource, geteuid, getrlimit};

use super::Finding;
use crate::config::Config;

/// Later than any right clock was when this was written, earlier than any on which it runs.
const EARLIEST: Timestamp = Timestamp::from_secs(1_767_225_600);
const LITTLE_SPACE: u64 = 1 << 30;
const NO_SPACE: u64 = 64 << 20;
/// Descriptors beside those of connections: files, sockets, the database.
const OWN_FILES: u64 = 128;

pub(super) fn directory(path: &Path) -> Vec<Finding> {
    let what = "data directory";
    let shown = path.display();
    let metadata = match fs::metadata(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            return vec![Finding::ok(what, format!("`{shown}` is made at the first start"))];
        }
        Err(error) => {
            return vec![Finding::fail(
                what,
                format!("`{shown}`: {error}"),
                "run this as the user the gate runs as",
            )];
        }
        Ok(metadata) => metadata,
    };
    let user = geteuid().as_raw();
    let finding = if !metadata.is_dir() {
        Finding::fail(what, format!("`{shown}` is not a directory"), "set `data.directory` to another place")
    } else if metadata.uid() != user {
        let detail = format!("`{shown}` belongs to user {}, and this is user {user}", metadata.uid());
        Finding::fail(what, detail, "run this as the user the gate runs as")
    } else if metadata.mode() & 0o077 != 0 {
        let detail = format!("others may look into `{shown}` (mode {:04o})", metadata.mode() & 0o7777);
        Finding::warn(what, detail, format!("chmod 700 {shown}"))
    } else {
        Finding::ok(what, format!("`{shown}`, readable by its owner only"))
    };
    vec![finding]
}

pub(super) fn clock() -> Vec<Finding> {
    let now = SystemClock.now();
    if now < EARLIEST {
        let detail = format!("the clock says {now}, which is in the past");
        return vec![Finding::fail(
            "clock",
            detail,
            "set the clock; sessions, tokens and certificates go by it",
        )];
    }
    vec![Finding::ok("clock", crate::gate::announce::minute(now))]
}

pub(super) fn space(data: &Path) -> Vec<Finding> {
    // A directory that is not there yet will be where its nearest ancestor is.
    let place = data.ancestors().find(|path| path.exists()).filter(|path| !path.as_os_str().is_empty());
    let place = place.unwrap_or(Path::new("."));
    let Ok(system) = rustix::fs::statvfs(place) else { return Vec::new() };
    let free = system.f_bavail.saturating_mul(system.f_frsize);
    let detail = format!("{} MB free for the data directory", free / 1_000_000);
    let hint = "make space: what cannot be recorded is refused";
    vec![match free {
        free if free < NO_SPACE => Finding::fail("disk space", detail, hint),
        free if free < LITTLE_SPACE => Finding::warn("disk space", detail, hint),
        _ => Finding::ok(
            "disk space",
            format!("{} GB free for the data directory", ByteSize::new(free).bytes() / 1_000_000_000),
        ),
    }]
}

/// `gabion run` raises its own limit to the highest it may.
pub(super) fn open_files(config: &Config) -> Vec<Finding> {
    let connections = u64::try_from(config.gateway.max_connections).unwrap_or(u64::MAX);
    let needed = connections.saturating_mul(2).saturating_add(OWN_FILES);
    let Some(most) = getrlimit(Resource::Nofile).maximum else {
        return vec![Finding::ok("open files", "no limit")];
    };
    if most >= needed {
        return vec![Finding::ok("open files", format!("{most} allowed, {needed} may be needed"))];
    }
    let detail = format!("{most} allowed, and `gateway.max_connections` = {connections} may need {needed}");
    vec![Finding::warn(
        "open files",
        detail,
        "raise it (`ulimit -Hn`, systemd: `LimitNOFILE=`), or allow fewer connections",
    )]
}
