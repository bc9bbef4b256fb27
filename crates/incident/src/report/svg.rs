//! The timeline as a picture: one row for each sort of entry, time from left to right, the states as bands behind.

use std::fmt::Write as _;

use gabion_model::Timestamp;

use super::{Material, moment, span};
use crate::timeline::Sort;

const WIDTH: u64 = 900;
const LEFT: u64 = 120;
const ROW: u64 = 28;
const TOP: u64 = 36;

/// An `<svg>` element without scripts, links or outside references.
pub(super) fn svg(material: &Material) -> String {
    let incident = &material.incident;
    let first = material.timeline.first().map_or(incident.detected, |entry| entry.at).min(incident.detected);
    let last = material.timeline.last().map_or(incident.changed, |entry| entry.at).max(incident.changed);
    let length = last.saturating_since(first).as_micros().max(1);
    let across = u128::from(WIDTH - LEFT - 20);
    let x = |at: Timestamp| {
        let share = at.saturating_since(first).as_micros().min(length) * across / length;
        LEFT + u64::try_from(share).unwrap_or(0)
    };
    let height = TOP + ROW * Sort::ALL.len() as u64 + 30;
    let mut text = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {height}\" role=\"img\" aria-labelledby=\"timeline-title\">\n\
         <title id=\"timeline-title\">Timeline of {}</title>\n",
        material.name
    );
    let bottom = TOP + ROW * Sort::ALL.len() as u64;
    for (at, name) in [
        (Some(incident.opened), "opened"),
        (incident.acknowledged, "acknowledged"),
        (incident.contained, "contained"),
        (incident.resolved, "resolved"),
        (incident.closed, "closed"),
    ] {
        let Some(at) = at else { continue };
        let x = x(at);
        let anchor = if x > WIDTH - 120 { "end" } else { "start" };
        let _ = writeln!(
            text,
            "<line x1=\"{x}\" y1=\"{}\" x2=\"{x}\" y2=\"{bottom}\" class=\"mark\"/><text x=\"{x}\" y=\"{}\" class=\"state\" text-anchor=\"{anchor}\">{name}</text>",
            TOP - 6,
            if name == "acknowledged" || name == "resolved" { 26 } else { 12 },
        );
    }
    for (row, sort) in (0_u64..).zip(Sort::ALL) {
        let y = TOP + ROW * row + ROW / 2;
        let name = sort.as_str();
        let _ = writeln!(
            text,
            "<text x=\"0\" y=\"{}\">{name}</text><line x1=\"{LEFT}\" y1=\"{y}\" x2=\"{}\" y2=\"{y}\" class=\"row\"/>",
            y + 4,
            WIDTH - 20
        );
        let class = name.replace(' ', "-");
        for entry in material.timeline.iter().filter(|entry| entry.sort == sort) {
            let radius = if entry.count > 1 { 7 } else { 5 };
            let _ = writeln!(
                text,
                "<circle cx=\"{}\" cy=\"{y}\" r=\"{radius}\" class=\"{class}\"><title>{} {}</title></circle>",
                x(entry.at),
                moment(entry.at),
                super::html::escape(&entry.text),
            );
        }
    }
    let whole = span(last.saturating_since(first).as_secs());
    let _ = write!(
        text,
        "<text x=\"{LEFT}\" y=\"{0}\" class=\"state\">{1}</text><text x=\"{2}\" y=\"{0}\" class=\"state\" text-anchor=\"end\">{3}, {whole} later</text>\n</svg>",
        height - 8,
        moment(first),
        WIDTH - 20,
        moment(last),
    );
    text
}
