//! Writes `src/words/characters.txt`: how surprising each character is after the two before it, counted over the distinct words
//! of the sources in a folder. `cargo run --release -p gabion-secrets --example train -- FOLDER > crates/secrets/src/words/characters.txt`

use std::collections::BTreeSet;
use std::io::Write as _;
use std::path::Path;

const SYMBOLS: usize = 37;

fn main() -> std::io::Result<()> {
    let folder = std::env::args_os().nth(1).unwrap_or_default();
    let mut words = BTreeSet::new();
    read(Path::new(&folder), &mut words)?;
    let mut counts = vec![0_u64; SYMBOLS * SYMBOLS * SYMBOLS];
    for word in &words {
        let (mut first, mut second) = (SYMBOLS - 1, SYMBOLS - 1);
        for third in word.bytes().map(symbol).chain(std::iter::once(SYMBOLS - 1)) {
            if let Some(count) = counts.get_mut((first * SYMBOLS + second) * SYMBOLS + third) {
                *count = count.saturating_add(1);
            }
            (first, second) = (second, third);
        }
    }
    let mut out = std::io::stdout().lock();
    for row in counts.chunks(SYMBOLS * SYMBOLS) {
        for after in row.chunks(SYMBOLS) {
            let seen: u64 = after.iter().sum();
            for count in after {
                // What was never seen is as likely as a tenth of one sight.
                let chance = (as_float(*count) + 0.1) / (as_float(seen) + 0.1 * 37.0);
                let quarters = (-chance.log2() * 4.0).round().clamp(0.0, 63.0);
                let sign = (0_u8..64).find(|level| f64::from(*level) >= quarters).unwrap_or(63);
                out.write_all(&[b'0' + sign])?;
            }
        }
        out.write_all(b"\n")?;
    }
    out.flush()
}

fn read(path: &Path, words: &mut BTreeSet<String>) -> std::io::Result<()> {
    if path.is_dir() {
        for entry in std::fs::read_dir(path)? {
            read(&entry?.path(), words)?;
        }
    }
    let wanted = path.extension().and_then(|extension| extension.to_str());
    if !matches!(wanted, Some("rs" | "md" | "c" | "h" | "go" | "java" | "js" | "py" | "toml"))
        || !path.is_file()
    {
        return Ok(());
    }
    let Ok(text) = std::fs::read_to_string(path) else { return Ok(()) };
    // An identifier counts with its signs, once however often it stands somewhere.
    for word in text.split(|sign: char| !sign.is_ascii_alphanumeric() && !matches!(sign, '_' | '-' | '.')) {
        let digits = word.bytes().filter(u8::is_ascii_digit).count();
        // Numbers, hashes and tables are no words.
        if (3..=40).contains(&word.len()) && digits * 4 <= word.len() {
            words.insert(word.to_ascii_lowercase());
        }
    }
    Ok(())
}

fn as_float(count: u64) -> f64 {
    f64::from(u32::try_from(count).unwrap_or(u32::MAX))
}

fn symbol(byte: u8) -> usize {
    let number = match byte {
        b'a'..=b'z' => byte - b'a',
        b'0'..=b'9' => byte - b'0' + 26,
        _ => 36,
    };
    usize::from(number)
}
