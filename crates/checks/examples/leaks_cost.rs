//! What searching and cleaning answers cost, in nanoseconds for a kilobyte.
//!
//! `cargo run --release -p gabion-checks --example leaks_cost`
//!
//! Each row is the fastest of many rounds over a text of about one megabyte, put together from the tests' ordinary texts.

use std::hint::black_box;
use std::path::Path;
use std::time::{Duration, Instant};

use gabion_checks::leaks::{Kind, Settings, mask, scan};
use gabion_checks::sanitise::clean;

const ROUNDS: u32 = 30;
const LENGTH: usize = 1 << 20;

#[expect(clippy::print_stdout, reason = "the table is what the example is for")]
fn main() -> Result<(), Box<dyn std::error::Error>> {
    let texts = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/leaks/ordinary");
    let usual = Settings::default().kinds;
    let national =
        [Kind::BrCpf, Kind::DeIdnr, Kind::EsDni, Kind::FrNir, Kind::Jwt, Kind::NlBsn, Kind::PlPesel];
    let every = [usual.as_slice(), &national].concat();
    println!("{:24} {:>12} {:>12}", "ns for 1 kB", "usual kinds", "every kind");
    for name in ["page.html", "products.json", "app.js", "style.css", "access.log"] {
        let text = std::fs::read(texts.join(name))?;
        let text = text.repeat(LENGTH / text.len());
        println!("{name:24} {:12.0} {:12.0}", cost(&text, &usual), cost(&text, &every));
    }
    let digits = b"4242424242424241 ".repeat(LENGTH / 17);
    println!("{:24} {:12.0} {:12.0}", "digits", cost(&digits, &usual), cost(&digits, &every));
    let comment =
        "<p>Some <b>bold</b> words and <a href=\"/here\">a link</a>, then more of them.</p>\n".repeat(500);
    let cleaning = fastest(|| drop(black_box(clean(black_box(&comment)))));
    println!("{:24} {:12.0}", "cleaning a fragment", per_kilobyte(cleaning, comment.len()));
    Ok(())
}

fn cost(text: &[u8], kinds: &[Kind]) -> f64 {
    let once = || {
        let found = scan(black_box(text), true, kinds);
        if !found.is_empty() {
            drop(black_box(mask(text, &found)));
        }
    };
    per_kilobyte(fastest(once), text.len())
}

#[expect(clippy::disallowed_methods, reason = "measuring is what the example is for")]
fn fastest(mut once: impl FnMut()) -> Duration {
    let round = |_| {
        let begun = Instant::now();
        once();
        begun.elapsed()
    };
    (0..ROUNDS).map(round).min().unwrap_or_default()
}

#[expect(clippy::cast_precision_loss, reason = "a length of about a million")]
fn per_kilobyte(time: Duration, length: usize) -> f64 {
    time.as_secs_f64() * 1e9 / (length as f64 / 1e3)
}
