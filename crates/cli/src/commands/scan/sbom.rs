//! `gabion scan sbom`: what a project is built of.

use gabion_dependencies::Stamp;
use gabion_model::{Clock as _, Rng as _, SystemClock};
use gabion_scan::{WalkOptions, visible};
use gabion_vault::SystemRng;

use crate::arguments::{BomForm, Sbom};
use crate::failure::{Exit, Failure};
use crate::output::{self, FAINT, STRONG};

pub(super) fn run(arguments: &Sbom) -> Result<Exit, Failure> {
    let walk = WalkOptions { ignored: arguments.ignored, ..WalkOptions::default() };
    let settings = super::settings(&arguments.path)?;
    let name = arguments.name.clone().unwrap_or_else(|| {
        let whole = arguments.path.canonicalize().unwrap_or_else(|_| arguments.path.clone());
        whole.file_name().map_or_else(|| "project".to_owned(), |name| name.to_string_lossy().into_owned())
    });
    let listed = gabion_scan::bom(&arguments.path, &walk, settings, &name, &arguments.release)
        .map_err(|error| Failure::usage(visible(&error.to_string())).because(&error))?;
    let bom = &listed.bom;
    if arguments.licenses {
        let mut text = String::new();
        for (licence, packages) in bom.licences() {
            let licence = licence.map_or_else(|| "no licence named".to_owned(), visible);
            text.push_str(&format!("{STRONG}{licence}{STRONG:#} {FAINT}{}{FAINT:#}\n", packages.len()));
            for package in packages {
                text.push_str(&format!("  {}\n", visible(package)));
            }
        }
        output::data(text.trim_end_matches('\n'))?;
    } else {
        let (time, uuid) = (SystemClock.now().to_string(), uuid());
        let seconds: String = time.chars().take(19).chain(['Z']).collect();
        let stamp = Stamp { time: &seconds, uuid: &uuid, tool: env!("CARGO_PKG_VERSION") };
        let text = match arguments.format {
            BomForm::Cyclonedx => bom.cyclonedx(stamp),
            BomForm::Spdx => bom.spdx2(stamp),
            BomForm::Spdx3 => bom.spdx3(stamp),
        };
        output::data(text.trim_end_matches('\n'))?;
    }
    for unread in &listed.unread {
        output::warn(format_args!("{}: {}", visible(&unread.path), visible(&unread.detail)));
    }
    if bom.is_empty() {
        output::warn("no lock file names a package: the list is empty");
    }
    Ok(if bom.is_empty() || !listed.unread.is_empty() { Exit::Incomplete } else { Exit::Success })
}

/// A random one (RFC 9562, version 4).
fn uuid() -> String {
    let mut bytes = [0_u8; 16];
    SystemRng::new().fill(&mut bytes);
    let [_, _, _, _, _, _, version, _, variant, ..] = &mut bytes;
    *version = (*version & 0x0F) | 0x40;
    *variant = (*variant & 0x3F) | 0x80;
    let digits: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    let part = |from: usize, to: usize| digits.get(from..to).unwrap_or_default();
    [part(0, 8), part(8, 12), part(12, 16), part(16, 20), part(20, 32)].join("-")
}
