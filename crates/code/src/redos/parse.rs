//! Reads a pattern: what JavaScript, Python and Java have in common.

/// Stands for the beginning of a text, behind all characters.
pub(super) const START: u32 = 0x11_0000;
/// Stands for its end.
pub(super) const END: u32 = 0x11_0001;
/// Stands for whatever else is asked of a place: a border of words, what stands before or behind it.
const ASKED: u32 = 0x11_0002;
/// The last character there is.
const LAST: u32 = 0x10_FFFF;

/// Groups in groups.
const DEEPEST: usize = 60;
/// Parts of a pattern, after counted loops were written out.
const MOST: usize = 600;
/// A counted loop is written out so often at most.
const COPIES: u32 = 8;

/// What a pattern is made of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Node {
    Empty,
    Set(Set),
    All(Vec<Node>),
    Any(Vec<Node>),
    /// Any number of times; `empty` where that may be none.
    Loop {
        inner: Box<Node>,
        empty: bool,
    },
}

/// Characters, as ranges in order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Set(Vec<(u32, u32)>);

impl Set {
    fn new(mut ranges: Vec<(u32, u32)>) -> Self {
        ranges.sort_unstable();
        let mut joined: Vec<(u32, u32)> = Vec::new();
        for (start, end) in ranges {
            match joined.last_mut() {
                Some((_, last)) if start <= last.saturating_add(1) => *last = end.max(*last),
                _ => joined.push((start, end)),
            }
        }
        Self(joined)
    }

    pub(super) fn one(code: u32) -> Self {
        Self(vec![(code, code)])
    }

    pub(super) fn everything() -> Self {
        Self(vec![(0, LAST)])
    }

    fn inverted(&self) -> Self {
        let mut next = 0;
        let mut ranges = Vec::new();
        for (start, end) in &self.0 {
            if *start > next {
                ranges.push((next, start.saturating_sub(1)));
            }
            next = end.saturating_add(1);
        }
        if next <= LAST {
            ranges.push((next, LAST));
        }
        Self(ranges)
    }

    #[cfg(test)]
    pub(super) fn has(&self, code: u32) -> bool {
        self.0.iter().any(|(start, end)| (*start..=*end).contains(&code))
    }

    pub(super) fn meets(&self, other: &Self) -> bool {
        let (mut one, mut two) = (self.0.iter().peekable(), other.0.iter().peekable());
        while let (Some((start, end)), Some((from, to))) = (one.peek(), two.peek()) {
            if start <= to && from <= end {
                return true;
            }
            let _ = if end < to { one.next() } else { two.next() };
        }
        false
    }

    pub(super) fn and(&self, other: &Self) -> Self {
        let mut ranges = Vec::new();
        for (start, end) in &self.0 {
            for (from, to) in &other.0 {
                let (low, high) = (*start.max(from), *end.min(to));
                if low <= high {
                    ranges.push((low, high));
                }
            }
        }
        Self(ranges)
    }

    pub(super) const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether it has nearly every character: `.` leaves out ends of lines.
    pub(super) fn is_nearly_all(&self) -> bool {
        let left_out = Self(self.0.iter().copied().filter(|(start, _)| *start <= LAST).collect()).inverted();
        let count = left_out.0.iter().map(|(start, end)| end.saturating_sub(*start).saturating_add(1));
        count.fold(0_u32, u32::saturating_add) <= 4
    }

    /// Whether it is the end of the text, not a character.
    pub(super) fn is_end(&self) -> bool {
        self.0.first() == Some(&(END, END))
    }

    fn without_case(self) -> Self {
        let mut ranges = self.0;
        let letters = [('a', 'z', 'A'), ('A', 'Z', 'a')];
        for (start, end) in ranges.clone() {
            for (first, last, other) in letters {
                let (low, high) = (start.max(first as u32), end.min(last as u32));
                if low <= high {
                    let moved = |code: u32| code.saturating_sub(first as u32).saturating_add(other as u32);
                    ranges.push((moved(low), moved(high)));
                }
            }
        }
        Self::new(ranges)
    }
}

/// The pattern, and what is asked of places in it (look-ahead, look-behind), each a pattern of its own.
pub(super) fn parse(pattern: &str, ignore_case: bool) -> Option<(Node, Vec<Node>)> {
    let text = pattern.chars().collect();
    let mut parser = Parser { text, at: 0, ignore_case, depth: 0, loops: 0, parts: 0, looks: Vec::new() };
    let node = parser.either()?;
    (parser.at == parser.text.len()).then_some((node, parser.looks))
}

struct Parser {
    text: Vec<char>,
    at: usize,
    ignore_case: bool,
    depth: usize,
    /// Whether a loop is around: what is asked there does not keep the loop from going on.
    loops: usize,
    parts: usize,
    looks: Vec<Node>,
}

impl Parser {
    fn peek(&self) -> Option<char> {
        self.text.get(self.at).copied()
    }

    fn next(&mut self) -> Option<char> {
        let one = self.peek()?;
        self.at = self.at.saturating_add(1);
        Some(one)
    }

    fn take(&mut self, wanted: &str) -> bool {
        let fits = wanted
            .chars()
            .enumerate()
            .all(|(at, one)| self.text.get(self.at.saturating_add(at)) == Some(&one));
        if fits {
            self.at = self.at.saturating_add(wanted.chars().count());
        }
        fits
    }

    fn either(&mut self) -> Option<Node> {
        self.depth = self.depth.saturating_add(1);
        if self.depth > DEEPEST {
            return None;
        }
        let mut ways = Vec::new();
        loop {
            let mut parts = Vec::new();
            while !matches!(self.peek(), None | Some('|' | ')')) {
                parts.push(self.repeated()?);
            }
            ways.push(Node::All(parts));
            if !self.take("|") {
                break;
            }
        }
        self.depth = self.depth.saturating_sub(1);
        if ways.len() == 1 { ways.pop() } else { Some(Node::Any(ways)) }
    }

    /// Something, and how often.
    fn repeated(&mut self) -> Option<Node> {
        let start = self.at;
        // It is not known yet whether it is a loop: whatever is asked in it is read as if it were none, and again if it is one.
        let (parts, looks) = (self.parts, self.looks.len());
        let node = self.atom()?;
        let Some((least, most)) = self.count() else { return Some(node) };
        let end = self.at;
        let mut node = node;
        if most.is_none_or(|most| most > 1) {
            (self.at, self.parts) = (start, parts);
            self.looks.truncate(looks);
            self.loops = self.loops.saturating_add(1);
            node = self.atom()?;
            self.loops = self.loops.saturating_sub(1);
        }
        self.at = end;
        // Lazy or possessive: the same ways in another order, or at most those.
        let _ = self.take("?") || self.take("+");
        self.written_out(&node, least, most)
    }

    /// `*`, `+`, `?`, `{2,5}`.
    fn count(&mut self) -> Option<(u32, Option<u32>)> {
        match self.peek()? {
            '*' => {
                self.at = self.at.saturating_add(1);
                Some((0, None))
            }
            '+' => {
                self.at = self.at.saturating_add(1);
                Some((1, None))
            }
            '?' => {
                self.at = self.at.saturating_add(1);
                Some((0, Some(1)))
            }
            '{' => {
                let before = self.at;
                self.at = self.at.saturating_add(1);
                let least = self.number();
                let found = match (least, self.next()) {
                    (Some(least), Some('}')) => Some((least, Some(least))),
                    (least, Some(',')) => {
                        let most = self.number();
                        (self.next() == Some('}') && (least.is_some() || most.is_some()))
                            .then(|| (least.unwrap_or(0), most))
                    }
                    _ => None,
                };
                if found.is_none() {
                    self.at = before;
                }
                found
            }
            _ => None,
        }
    }

    fn number(&mut self) -> Option<u32> {
        let mut number: Option<u32> = None;
        while let Some(digit) = self.peek().and_then(|one| one.to_digit(10)) {
            number = Some(number.unwrap_or(0).saturating_mul(10).saturating_add(digit));
            self.at = self.at.saturating_add(1);
        }
        number
    }

    /// A counted loop as copies: `a{2,4}` is `aa(a(a)?)?`.
    fn written_out(&mut self, node: &Node, least: u32, most: Option<u32>) -> Option<Node> {
        let least = least.min(COPIES);
        if size(node).saturating_mul(COPIES as usize) > MOST.saturating_mul(8) {
            return None;
        }
        let copies = if most.is_none() { least.saturating_sub(1) } else { least };
        let mut parts: Vec<Node> = (0..copies).map(|_| node.clone()).collect();
        match most {
            None => parts.push(Node::Loop { inner: Box::new(node.clone()), empty: least == 0 }),
            Some(most) => {
                let mut inner = Node::Empty;
                for _ in least..most.min(COPIES).max(least) {
                    inner = Node::Any(vec![Node::All(vec![node.clone(), inner]), Node::Empty]);
                }
                parts.push(inner);
            }
        }
        let whole = Node::All(parts);
        (size(&whole) <= MOST).then_some(whole)
    }

    fn atom(&mut self) -> Option<Node> {
        self.parts = self.parts.saturating_add(1);
        if self.parts > MOST {
            return None;
        }
        match self.next()? {
            '(' => self.group(),
            '[' => self.class().map(|set| self.set(set)),
            '.' => Some(self.set(
                Set::new(vec![(u32::from('\n'), u32::from('\n')), (0x0D, 0x0D), (0x2028, 0x2029)]).inverted(),
            )),
            '^' => Some(self.asked(START)),
            '$' => Some(self.asked(END)),
            '\\' => self.escaped(),
            '*' | '+' | '?' => None,
            one => Some(self.set(Set::one(u32::from(one)))),
        }
    }

    fn set(&self, set: Set) -> Node {
        Node::Set(if self.ignore_case { set.without_case() } else { set })
    }

    fn asked(&self, what: u32) -> Node {
        if self.loops > 0 && what == ASKED { Node::Empty } else { Node::Set(Set::one(what)) }
    }

    fn group(&mut self) -> Option<Node> {
        let mut look = false;
        if self.take("?") {
            if self.take("=") || self.take("!") || self.take("<=") || self.take("<!") {
                look = true;
            } else if self.take("<") || self.take("P<") || self.take("'") {
                while !matches!(self.next()?, '>' | '\'') {}
            } else if self.take("P=") {
                while self.next()? != ')' {}
                return Some(self.asked(ASKED));
            } else if self.take("#") {
                while self.next()? != ')' {}
                return Some(Node::Empty);
            } else {
                // `?:`, `?>`, `?i:`, `?i)`.
                loop {
                    match self.next()? {
                        ':' | '>' => break,
                        ')' => return Some(Node::Empty),
                        'i' => self.ignore_case = true,
                        'a'..='z' | 'A'..='Z' | '-' | '^' => {}
                        _ => return None,
                    }
                }
            }
        }
        let loops = if look { std::mem::take(&mut self.loops) } else { self.loops };
        let inner = self.either()?;
        self.loops = loops;
        if self.next()? != ')' {
            return None;
        }
        if look {
            // It must be found or not be found: what is behind it can fail as well.
            self.looks.push(Node::All(vec![inner, Node::Set(Set::one(ASKED))]));
            return Some(self.asked(ASKED));
        }
        Some(inner)
    }

    fn escaped(&mut self) -> Option<Node> {
        let one = self.next()?;
        if let Some(set) = named(one) {
            return Some(self.set(set));
        }
        Some(match one {
            'b' | 'B' | 'G' | 'K' => self.asked(ASKED),
            'A' => self.asked(START),
            'z' | 'Z' => self.asked(END),
            '1'..='9' => {
                let _ = self.number();
                self.asked(ASKED)
            }
            'k' => {
                if self.take("<") {
                    while self.next()? != '>' {}
                }
                self.asked(ASKED)
            }
            'p' | 'P' => {
                let set = self.property()?;
                self.set(if one == 'P' { set.inverted() } else { set })
            }
            other => {
                let code = self.code(other)?;
                self.set(Set::one(code))
            }
        })
    }

    /// `\p{L}`: all that is no plain sign stands in it, and letters.
    fn property(&mut self) -> Option<Set> {
        if self.take("{") {
            while self.next()? != '}' {}
        } else {
            self.next()?;
        }
        Some(Set::new(vec![(u32::from('A'), u32::from('Z')), (u32::from('a'), u32::from('z')), (0x80, LAST)]))
    }

    /// The character that is written with a backslash.
    fn code(&mut self, first: char) -> Option<u32> {
        Some(match first {
            'n' => 0x0A,
            'r' => 0x0D,
            't' => 0x09,
            'f' => 0x0C,
            'v' => 0x0B,
            '0' => 0,
            'c' => u32::from(self.next()?) & 0x1F,
            'x' => self.hex(2)?,
            'u' if self.take("{") => {
                let mut code = 0_u32;
                loop {
                    match self.next()? {
                        '}' => break,
                        digit => code = code.saturating_mul(16).saturating_add(digit.to_digit(16)?),
                    }
                }
                code.min(LAST)
            }
            'u' => self.hex(4)?,
            other => u32::from(other),
        })
    }

    fn hex(&mut self, digits: usize) -> Option<u32> {
        let mut code = 0_u32;
        for _ in 0..digits {
            code = code.saturating_mul(16).saturating_add(self.next()?.to_digit(16)?);
        }
        Some(code)
    }

    /// `[a-z\d]`, behind its `[`.
    fn class(&mut self) -> Option<Set> {
        let not = self.take("^");
        let mut ranges: Vec<(u32, u32)> = Vec::new();
        let mut first = true;
        loop {
            let one = self.next()?;
            // In Python and Java the first `]` is itself; in JavaScript `[]` is nothing at all.
            if one == ']' && (!first || self.at >= self.text.len() || ranges.is_empty()) {
                break;
            }
            first = false;
            let low = match self.class_item(one)? {
                Ok(code) => code,
                Err(set) => {
                    ranges.extend(set.0);
                    continue;
                }
            };
            let is_range = self.peek() == Some('-')
                && self.text.get(self.at.saturating_add(1)).is_some_and(|next| *next != ']');
            if !is_range {
                ranges.push((low, low));
                continue;
            }
            self.at = self.at.saturating_add(1);
            let end = self.next()?;
            match self.class_item(end)? {
                Ok(high) if low <= high => ranges.push((low, high)),
                Ok(_) => return None,
                Err(set) => {
                    ranges.extend([(low, low), (u32::from('-'), u32::from('-'))]);
                    ranges.extend(set.0);
                }
            }
        }
        let set = Set::new(ranges);
        // What is left out is left out in both cases.
        let set = if self.ignore_case { set.without_case() } else { set };
        Some(if not { set.inverted() } else { set })
    }

    fn class_item(&mut self, one: char) -> Option<Result<u32, Set>> {
        if one != '\\' {
            return Some(Ok(u32::from(one)));
        }
        let one = self.next()?;
        if let Some(set) = named(one) {
            return Some(Err(set));
        }
        match one {
            'b' => Some(Ok(0x08)),
            'p' | 'P' => {
                let set = self.property()?;
                Some(Err(if one == 'P' { set.inverted() } else { set }))
            }
            other => self.code(other).map(Ok),
        }
    }
}

fn size(node: &Node) -> usize {
    match node {
        Node::Empty => 0,
        Node::Set(_) => 1,
        Node::All(parts) | Node::Any(parts) => parts.iter().map(size).fold(0, usize::saturating_add),
        Node::Loop { inner, .. } => size(inner),
    }
}

/// `\d`, `\w`, `\s` and their opposites.
fn named(one: char) -> Option<Set> {
    let range = |from: char, to: char| (u32::from(from), u32::from(to));
    let set = match one.to_ascii_lowercase() {
        'd' => Set::new(vec![range('0', '9')]),
        'w' => Set::new(vec![range('0', '9'), range('A', 'Z'), range('_', '_'), range('a', 'z')]),
        's' => Set::new(vec![
            (0x09, 0x0D),
            (0x20, 0x20),
            (0xA0, 0xA0),
            (0x2000, 0x200A),
            (0x2028, 0x2029),
            (0xFEFF, 0xFEFF),
        ]),
        _ => return None,
    };
    Some(if one.is_ascii_uppercase() { set.inverted() } else { set })
}
