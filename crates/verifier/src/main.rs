//! `gabion-verify`: files and a public key in, a verdict out.

use std::ffi::OsString;
use std::io::Write as _;
use std::path::PathBuf;
use std::process::ExitCode;

use gabion_verifier::{Files, Refusal, export, is_export, log_key, single, tag, trust, whole};

const HELP: &str = "\
Verifies a Gabion ledger from its files and a public key

Usage: gabion-verify --key KEY [OPTIONS] DIRECTORY
       gabion-verify --key KEY [OPTIONS] --proof FILE

DIRECTORY holds the segments, or a folder `ledger` that does; or it is what `gabion ledger export --tenant ID --to DIRECTORY`
made of one tenant's records.

  --key KEY          the ledger's key, as `gabion ledger key` printed it
  --after FILE       a former checkpoint, of which the ledger must be a continuation; may be repeated
  --checkpoint FILE  check against this checkpoint instead of the ledger's last one
  --witness KEY      the key of a witness whose cosignature the checkpoint must have; may be repeated
  --quorum COUNT     how many of the witnesses are enough; without it all of them
  --tenant ID        whose records an export or a proof must be; of a whole ledger, whose log to tell of
  --proof FILE       check one record's proof instead of a whole ledger
  --json             answer in JSON

Exit status: 0 verified, 1 not what was signed or not readable, 2 wrong command line.
";

/// The command line.
#[derive(Debug, Default)]
struct Arguments {
    directory: Option<PathBuf>,
    key: Option<String>,
    after: Vec<PathBuf>,
    checkpoint: Option<PathBuf>,
    witness: Vec<String>,
    quorum: Option<usize>,
    proof: Option<PathBuf>,
    tenant: Option<String>,
    json: bool,
}

fn main() -> ExitCode {
    let arguments: Vec<OsString> = std::env::args_os().skip(1).collect();
    if arguments.iter().any(|argument| argument == "--help" || argument == "-h") {
        return say(HELP);
    }
    match Arguments::parse(arguments).and_then(|arguments| arguments.verdict()) {
        Ok(verdict) => say(&verdict),
        Err(refusal) => {
            // Nobody may be listening; the exit status says it as well.
            let _ = writeln!(std::io::stderr(), "error: {refusal}");
            ExitCode::from(if refusal.usage { 2 } else { 1 })
        }
    }
}

/// A verdict that did not reach its reader is none.
fn say(text: &str) -> ExitCode {
    let mut out = std::io::stdout();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(_) => ExitCode::FAILURE,
    }
}

impl Arguments {
    fn parse(arguments: Vec<OsString>) -> Result<Self, Refusal> {
        let help = "`gabion-verify --help` lists what there is";
        let mut own = Self::default();
        let mut rest = arguments.into_iter();
        while let Some(argument) = rest.next() {
            let Some(flag) = argument.to_str().filter(|text| text.starts_with('-')).map(str::to_owned) else {
                set(&mut own.directory, PathBuf::from(argument), "DIRECTORY")?;
                continue;
            };
            if flag == "--json" {
                own.json = true;
                continue;
            }
            let known = ["--key", "--after", "--checkpoint", "--witness", "--quorum", "--proof", "--tenant"];
            if !known.contains(&flag.as_str()) {
                return Err(Refusal::usage(format!("`{flag}` is not known")).hint(help));
            }
            let value =
                rest.next().ok_or_else(|| Refusal::usage(format!("`{flag}` has no value")).hint(help))?;
            if let "--after" | "--checkpoint" | "--proof" = flag.as_str() {
                let path = PathBuf::from(value);
                match flag.as_str() {
                    "--after" => own.after.push(path),
                    "--checkpoint" => set(&mut own.checkpoint, path, &flag)?,
                    _ => set(&mut own.proof, path, &flag)?,
                }
                continue;
            }
            let text = value.into_string().map_err(|_| Refusal::usage(format!("`{flag}`: not UTF-8")))?;
            match flag.as_str() {
                "--key" => set(&mut own.key, text, &flag)?,
                "--tenant" => set(&mut own.tenant, text, &flag)?,
                "--witness" => own.witness.push(text),
                _ => {
                    let count = text.parse().map_err(|_| Refusal::usage(format!("`{flag}`: no number")))?;
                    set(&mut own.quorum, count, &flag)?;
                }
            }
        }
        Ok(own)
    }

    fn verdict(self) -> Result<String, Refusal> {
        let key = self.key.as_deref().ok_or_else(|| {
            Refusal::usage("`--key` is missing").hint("a key that lies beside the files vouches for nothing")
        })?;
        let trust = trust(log_key(key)?, &self.witness, self.quorum)?;
        let (json, text) = match (&self.proof, &self.directory) {
            (Some(_), _)
                if !self.after.is_empty() || self.checkpoint.is_some() || self.directory.is_some() =>
            {
                return Err(Refusal::usage("`--proof` stands alone: the file holds its own checkpoint"));
            }
            (Some(proof), _) => {
                let single = single(proof, &trust)?;
                if let Some(tenant) = &self.tenant {
                    single.must_be_of(tag(tenant))?;
                }
                (single.json(), single.to_string())
            }
            (None, Some(directory)) if is_export(directory) => {
                if self.checkpoint.is_some() {
                    return Err(Refusal::usage("`--checkpoint`: a tenant's export has its own"));
                }
                let export = export(directory, &trust, self.tenant.as_deref(), &self.after)?;
                (export.json(), export.to_string())
            }
            (None, Some(directory)) => {
                let files = Files::open(directory)?;
                let whole = whole(&files, &trust, self.checkpoint.as_deref(), &self.after, |_, _| {})?;
                match &self.tenant {
                    Some(tenant) => whole.told_of(tag(tenant))?,
                    None => (whole.json(), whole.to_string()),
                }
            }
            (None, None) => return Err(Refusal::usage("name the ledger's directory, or a proof")),
        };
        Ok(if self.json { format!("{json:#}\n") } else { format!("verified  {text}") })
    }
}

fn set<T>(place: &mut Option<T>, value: T, name: &str) -> Result<(), Refusal> {
    match place.replace(value) {
        None => Ok(()),
        Some(_) => Err(Refusal::usage(format!("`{name}` is given twice"))),
    }
}
