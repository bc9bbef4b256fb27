//! Whether different ways through an automaton read the same text.

use hashbrown::HashSet;

use super::Ambiguity;
use super::automaton::Automaton;

/// Work for one pattern.
const STEPS: usize = 400_000;

/// The worst that is found within the steps there are.
pub(super) fn worst(automaton: &Automaton) -> Option<Ambiguity> {
    let circles = circles(automaton);
    let mut steps = STEPS;
    let can_fail: Vec<bool> = (0..automaton.sets.len()).map(|at| can_fail(automaton, &circles, at)).collect();
    let fails = |at: usize| can_fail.get(at).copied().unwrap_or(false);
    if exponential(automaton, &circles, &fails, &mut steps) {
        return Some(Ambiguity::Exponential);
    }
    let mut steps = STEPS;
    polynomial(automaton, &circles, &fails, &mut steps)
}

/// Of each place, the number of the circle it is in; places on no circle have none.
fn circles(automaton: &Automaton) -> Vec<Option<usize>> {
    let count = automaton.sets.len();
    let reached: Vec<Vec<bool>> = (0..count).map(|start| reach(automaton, start)).collect();
    let on = |from: usize, to: usize| reached.get(from).and_then(|row| row.get(to)).copied().unwrap_or(false);
    let mut circles: Vec<Option<usize>> = vec![None; count];
    for at in 0..count {
        if on(at, at) {
            let first = (0..=at).find(|other| on(*other, at) && on(at, *other));
            if let Some(circle) = circles.get_mut(at) {
                *circle = first;
            }
        }
    }
    circles
}

fn reach(automaton: &Automaton, start: usize) -> Vec<bool> {
    let mut reached = vec![false; automaton.sets.len()];
    let mut open = vec![start];
    while let Some(at) = open.pop() {
        for next in automaton.ways.get(at).into_iter().flat_map(|ways| ways.keys()) {
            if let Some(seen) = reached.get_mut(*next)
                && !*seen
            {
                *seen = true;
                open.push(*next);
            }
        }
    }
    reached
}

/// Whether the match can fail behind the circle that a place is on: no place of it is an end, and nothing behind it reads whatever
/// comes.
fn can_fail(automaton: &Automaton, circles: &[Option<usize>], at: usize) -> bool {
    let Some(circle) = circles.get(at).copied().flatten() else { return false };
    let ends = |at: usize| automaton.ends.get(at).copied().unwrap_or(false);
    let next = |at: usize| automaton.ways.get(at).into_iter().flat_map(|ways| ways.keys().copied());
    let is_end = |at: usize| automaton.sets.get(at).is_some_and(|set| set.is_end()) && ends(at);
    let members = (0..circles.len()).filter(|other| circles.get(*other) == Some(&Some(circle)));
    for member in members {
        if ends(member) {
            return false;
        }
        let reads_all = |at: usize| {
            automaton.sets.get(at).is_some_and(|set| set.is_nearly_all())
                && next(at).any(|own| own == at)
                && (ends(at) || next(at).any(is_end))
        };
        if next(member).any(is_end) && next(member).any(reads_all) {
            return false;
        }
    }
    true
}

/// Two ways around a circle that read the same.
fn exponential(
    automaton: &Automaton,
    circles: &[Option<usize>],
    fails: &dyn Fn(usize) -> bool,
    steps: &mut usize,
) -> bool {
    let circle = |at: usize| circles.get(at).copied().flatten();
    let mut seen: HashSet<(usize, usize)> = HashSet::new();
    let mut open: Vec<(usize, usize)> = Vec::new();
    for at in 0..automaton.sets.len() {
        if circle(at).is_none() || !fails(at) {
            continue;
        }
        let Some(ways) = automaton.ways.get(at) else { continue };
        let inner: Vec<usize> = ways.keys().copied().filter(|next| circle(*next) == circle(at)).collect();
        if inner.iter().any(|next| ways.get(next) == Some(&true)) {
            return true;
        }
        for (number, one) in inner.iter().enumerate() {
            for two in inner.iter().skip(number.saturating_add(1)) {
                if meets(automaton, *one, *two) && seen.insert((*one, *two)) {
                    open.push((*one, *two));
                }
            }
        }
    }
    while let Some((one, two)) = open.pop() {
        for (next, other) in pairs(automaton, one, two) {
            let Some(left) = steps.checked_sub(1) else { return false };
            *steps = left;
            if circle(next) != circle(one) || circle(other) != circle(two) {
                continue;
            }
            if next == other {
                return true;
            }
            if meets(automaton, next, other) && seen.insert((next, other)) {
                open.push((next, other));
            }
        }
    }
    false
}

/// A circle, and another behind it, that read the same.
fn polynomial(
    automaton: &Automaton,
    circles: &[Option<usize>],
    fails: &dyn Fn(usize) -> bool,
    steps: &mut usize,
) -> Option<Ambiguity> {
    let circle = |at: usize| circles.get(at).copied().flatten();
    let mut found = None;
    let on_circle: Vec<usize> = (0..automaton.sets.len()).filter(|at| circle(*at).is_some()).collect();
    for first in &on_circle {
        let reached = reach(automaton, *first);
        for second in &on_circle {
            let searching = automaton.searches == Some(*first);
            let apart = circle(*first) != circle(*second) && reached.get(*second) == Some(&true);
            if !apart || !fails(*second) || (searching && found.is_some()) {
                continue;
            }
            if !meets(automaton, *first, *second) {
                continue;
            }
            match hands_over(automaton, circles, *first, *second, steps) {
                Some(true) if searching => found = Some(Ambiguity::Search),
                Some(true) => return Some(Ambiguity::Polynomial),
                Some(false) => {}
                None => return found,
            }
        }
    }
    found
}

/// Whether some text leads from the first back to itself, from the first to the second, and from the second back to itself.
fn hands_over(
    automaton: &Automaton,
    circles: &[Option<usize>],
    first: usize,
    second: usize,
    steps: &mut usize,
) -> Option<bool> {
    let circle = |at: usize| circles.get(at).copied().flatten();
    let mut seen: HashSet<(usize, usize, usize)> = HashSet::new();
    let mut open = vec![(first, first, second)];
    while let Some((stays, moves, waits)) = open.pop() {
        let nexts = |at: usize| automaton.ways.get(at).into_iter().flat_map(|ways| ways.keys().copied());
        for a in nexts(stays).filter(|next| circle(*next) == circle(first)) {
            for c in nexts(waits).filter(|next| circle(*next) == circle(second)) {
                *steps = steps.checked_sub(1)?;
                let (Some(one), Some(three)) = (automaton.sets.get(a), automaton.sets.get(c)) else {
                    continue;
                };
                let both = one.and(three);
                if both.is_empty() {
                    continue;
                }
                for b in nexts(moves) {
                    *steps = steps.checked_sub(1)?;
                    if !automaton.sets.get(b).is_some_and(|two| two.meets(&both)) {
                        continue;
                    }
                    if (a, b, c) == (first, second, second) {
                        return Some(true);
                    }
                    if seen.insert((a, b, c)) {
                        open.push((a, b, c));
                    }
                }
            }
        }
    }
    Some(false)
}

fn meets(automaton: &Automaton, one: usize, two: usize) -> bool {
    automaton.sets.get(one).zip(automaton.sets.get(two)).is_some_and(|(one, two)| one.meets(two))
}

fn pairs(automaton: &Automaton, one: usize, two: usize) -> impl Iterator<Item = (usize, usize)> + '_ {
    let nexts = |at: usize| automaton.ways.get(at).into_iter().flat_map(|ways| ways.keys().copied());
    nexts(one).flat_map(move |next| nexts(two).map(move |other| (next, other)))
}
