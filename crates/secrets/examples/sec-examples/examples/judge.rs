//! scratch
#![allow(clippy::all, clippy::pedantic, clippy::restriction)]
use std::io::Write as _;
use gabion_finding::{Confidence, Source};
use gabion_secrets::Secrets;
fn walk(dir: &std::path::Path, out: &mut Vec<std::path::PathBuf>) {
    for e in std::fs::read_dir(dir).unwrap().flatten() {
        let p = e.path();
        if p.is_symlink() { continue; }
        if p.is_dir() { walk(&p, out) } else { out.push(p) }
    }
}
fn main() {
    let mut a = std::env::args().skip(1);
    let mode = a.next().unwrap();
    let what = a.next().unwrap();
    let secrets = Secrets::new().unwrap();
    let mut out = std::io::stdout().lock();
    if mode == "tree" {
        let mut files = Vec::new();
        walk(what.as_ref(), &mut files);
        for f in files {
            let Ok(text) = std::fs::read_to_string(&f) else { continue };
            if text.len() > 2_000_000 { continue }
            let path = f.strip_prefix(&what).unwrap().display().to_string();
            let (found, _) = secrets.matches(&path, &text);
            let src = Source::new(&path, &text);
            for x in found {
                if x.confidence < Confidence::Medium { continue }
                let line = src.lines().line(x.span.start as u32);
                let t = text.lines().nth(line as usize - 1).unwrap_or("").trim();
                writeln!(out, "{}\t{path}:{line}\t{:?}\t{}", x.rule.id, x.confidence, t.chars().take(160).collect::<String>()).unwrap();
            }
        }
        return;
    }
    let (mut tp, mut fp, mut fne, mut tn) = (0, 0, 0, 0);
    for l in std::fs::read_to_string(&what).unwrap().lines() {
        let mut c = l.splitn(3, '\t');
        let (Some(label), Some(path), Some(text)) = (c.next(), c.next(), c.next()) else { continue };
        let text = text.replace("\\n", "\n");
        let (found, _) = secrets.matches(path, &text);
        let hit: Vec<String> = found.iter().filter(|x| x.confidence >= Confidence::Medium).map(|x| x.rule.id.as_str().to_owned()).collect();
        let low: Vec<String> = found.iter().filter(|x| x.confidence < Confidence::Medium).map(|x| x.rule.id.as_str().to_owned()).collect();
        match (label, hit.is_empty()) {
            ("T", false) => tp += 1,
            ("T", true) => { fne += 1; writeln!(out, "MISS  {path}\t{text}\tlow {low:?}").unwrap() }
            (_, false) => { fp += 1; writeln!(out, "ALARM {path}\t{text}\t{hit:?}").unwrap() }
            _ => tn += 1,
        }
    }
    let p = tp as f64 / (tp + fp).max(1) as f64; let r = tp as f64 / (tp + fne).max(1) as f64;
    writeln!(out, "tp {tp} fp {fp} fn {fne} tn {tn}  P {p:.3} R {r:.3} F1 {:.3}", 2.0*p*r/(p+r)).unwrap();
}
