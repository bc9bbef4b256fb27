//! Instructions as a document: stages with their effective user, images with arguments put in, commands.

use std::collections::BTreeMap;

use super::lines::Instruction;
use crate::document::{Entry, Node, json, span};
use crate::formats::shell;

type Variables = BTreeMap<String, Option<String>>;

/// `stages` (`from`, `image`, `name`, `base`, `user`, `last`, `instructions`) and `final`, the last of them.
pub(super) fn document(all: &[Instruction], text: &str) -> Node {
    let whole = span(0, text.len());
    let mut globals = Variables::new();
    let mut stages: Vec<Stage> = Vec::new();
    for instruction in all {
        match (instruction.name.as_str(), stages.last_mut()) {
            ("FROM", _) => stages.push(Stage::new(instruction, text, &globals, &stages)),
            ("ARG", None) => declare(instruction.text.of(text), &Variables::new(), &mut globals),
            (_, None) => {}
            (_, Some(stage)) => stage.add(instruction, text, &globals),
        }
    }
    let last = stages.len().saturating_sub(1);
    let nodes: Vec<Node> = stages.into_iter().enumerate().map(|(at, stage)| stage.node(at == last)).collect();
    let mut entries = Vec::new();
    if let Some(node) = nodes.last() {
        entries.push(Entry { key: "final".into(), key_span: node.span, node: node.clone() });
    }
    entries.push(Entry { key: "stages".into(), key_span: whole, node: Node::list(whole, nodes) });
    Node::map(whole, entries)
}

struct Stage {
    from: Node,
    image: Node,
    name: Option<Node>,
    platform: Option<Node>,
    /// `image`, `stage` or `scratch`.
    base: &'static str,
    user: Option<Node>,
    variables: Variables,
    instructions: Vec<Node>,
}

impl Stage {
    fn new(instruction: &Instruction, text: &str, globals: &Variables, earlier: &[Self]) -> Self {
        let place = instruction.name_span.join(instruction.text);
        let words = words(instruction, text);
        let mut plain = words.iter().filter(|word| !word.0.starts_with("--"));
        let platform = words.iter().find(|word| word.0.starts_with("--platform"));
        let (image, image_span) = plain.next().cloned().unwrap_or_default();
        let image_node = match expand(&image, globals) {
            Some(image) => Node::text(image_span, image),
            None => Node::unknown(image_span, &image),
        };
        let named = plain.next().is_some_and(|(word, _)| word.eq_ignore_ascii_case("as"));
        let name = plain.next().filter(|_| named).map(|(name, place)| Node::text(*place, name));
        let parent = image_node.scalar().and_then(|image| {
            earlier.iter().rev().find(|stage| {
                stage
                    .name
                    .as_ref()
                    .and_then(Node::scalar)
                    .is_some_and(|name| name.eq_ignore_ascii_case(image))
            })
        });
        let base = match image_node.scalar() {
            Some("scratch") => "scratch",
            _ if parent.is_some() => "stage",
            _ => "image",
        };
        Self {
            from: Node::text(place, place.of(text)),
            image: image_node,
            name,
            platform: platform.map(|(word, place)| Node::text(*place, word)),
            base,
            user: parent.and_then(|stage| stage.user.clone()),
            variables: Variables::new(),
            instructions: Vec::new(),
        }
    }

    fn add(&mut self, instruction: &Instruction, text: &str, globals: &Variables) {
        let written = instruction.text.of(text);
        match instruction.name.as_str() {
            "ARG" => declare(written, globals, &mut self.variables),
            "ENV" => declare(written, &Variables::new(), &mut self.variables),
            "USER" if !instruction.onbuild => {
                let place = instruction.name_span.join(instruction.text);
                self.user = Some(match expand(written.trim(), &self.variables) {
                    Some(user) => Node::text(place, user),
                    None => Node::unknown(place, written),
                });
            }
            _ => {}
        }
        self.instructions.push(node(instruction, text, &self.variables));
    }

    fn node(self, last: bool) -> Node {
        let place = self.from.span;
        let entry = |key: &str, node: Node| Entry { key: key.into(), key_span: node.span, node };
        let mut entries = vec![
            entry("from", self.from),
            entry("image", self.image),
            entry("base", Node::text(place, self.base)),
            entry("last", Node::bool(place, last)),
            entry("instructions", Node::list(place, self.instructions)),
        ];
        entries.extend(self.name.map(|node| entry("name", node)));
        entries.extend(self.platform.map(|node| entry("platform", node)));
        entries.extend(self.user.map(|node| entry("user", node)));
        Node::map(place, entries)
    }
}

/// Words with places; what continues a line is none.
fn words(instruction: &Instruction, text: &str) -> Vec<(String, gabion_finding::Span)> {
    let base = instruction.text.start as usize;
    let mut all = Vec::new();
    let mut offset = 0_usize;
    for line in instruction.text.of(text).split_inclusive('\n') {
        if !line.trim_start().starts_with('#') {
            let mut from = 0_usize;
            for word in line.split_whitespace() {
                let at = line.get(from..).and_then(|rest| rest.find(word)).unwrap_or(0).saturating_add(from);
                from = at.saturating_add(word.len());
                let start = base.saturating_add(offset).saturating_add(at);
                let bare = word.trim_matches(['"', '\'']);
                if word.len() > 1 || !word.starts_with(instruction.escape) {
                    all.push((bare.to_owned(), span(start, start.saturating_add(word.len()))));
                }
            }
        }
        offset = offset.saturating_add(line.len());
    }
    all
}

fn node(instruction: &Instruction, text: &str, variables: &Variables) -> Node {
    let place = instruction.name_span.join(instruction.text);
    let written = instruction.text.of(text);
    let entry = |key: &str, node: Node| Entry { key: key.into(), key_span: node.span, node };
    let mut entries = vec![
        entry("instruction", Node::text(instruction.name_span, &instruction.name)),
        entry("text", Node::text(instruction.text, written)),
        entry("onbuild", Node::bool(place, instruction.onbuild)),
    ];
    let all = words(instruction, text);
    let flags = all.iter().take_while(|word| word.0.starts_with("--"));
    let flags: Vec<Node> = flags.map(|(word, place)| Node::text(*place, word)).collect();
    let skipped = flags.len();
    entries.push(entry("flags", Node::list(place, flags)));
    let body = all.get(skipped..).unwrap_or_default();
    let exec = body.first().filter(|word| word.0.starts_with('[')).and_then(|(_, at)| {
        json::read(gabion_finding::Span::new(at.start, instruction.text.end).of(text))
            .roots
            .into_iter()
            .next()
    });
    entries.push(entry("form", Node::text(place, if exec.is_some() { "exec" } else { "shell" })));
    match instruction.name.as_str() {
        "RUN" | "CMD" | "ENTRYPOINT" | "HEALTHCHECK" => {
            entries.extend(commands(instruction, text, body, exec));
        }
        "ENV" | "ARG" | "LABEL" => entries.push(entry("pairs", pairs(instruction, &all, text))),
        "COPY" | "ADD" | "EXPOSE" | "USER" | "WORKDIR" | "VOLUME" | "SHELL" => {
            let values = match exec {
                Some(list) => list
                    .items()
                    .iter()
                    .filter_map(|item| item.scalar().map(|text| Node::text(place, text)))
                    .collect(),
                None => body
                    .iter()
                    .map(|(word, at)| match expand(word, variables) {
                        Some(value) => Node::text(*at, value),
                        None => Node::unknown(*at, word),
                    })
                    .collect::<Vec<_>>(),
            };
            let from = values.len().saturating_sub(1);
            if matches!(instruction.name.as_str(), "COPY" | "ADD") {
                let sources = values.iter().take(from).cloned().collect();
                entries.push(entry("sources", Node::list(place, sources)));
                entries.extend(values.last().map(|target| entry("target", target.clone())));
            }
            entries.push(entry("values", Node::list(place, values)));
        }
        _ => {}
    }
    Node::map(place, entries)
}

fn commands(
    instruction: &Instruction,
    text: &str,
    body: &[(String, gabion_finding::Span)],
    exec: Option<Node>,
) -> Vec<Entry> {
    let place = instruction.name_span.join(instruction.text);
    if let Some(list) = exec {
        let words: Vec<&str> = list.items().iter().filter_map(Node::scalar).collect();
        let entry = |key: &str, node| Entry { key: key.into(), key_span: place, node };
        let program = words.first().map_or("", |word| word.rsplit('/').next().unwrap_or(word));
        let arguments = words.iter().skip(1).map(|word| Node::text(place, word)).collect();
        let joined = words.join(" ");
        let command = Node::map(
            place,
            vec![
                entry("program", Node::text(place, program)),
                entry("arguments", Node::list(place, arguments)),
                entry("text", Node::text(place, &joined)),
            ],
        );
        return vec![
            entry("commands", Node::list(place, vec![command])),
            entry("pipelines", Node::list(place, vec![Node::text(place, joined)])),
        ];
    }
    let script = instruction.heredocs.first().filter(|_| instruction.name == "RUN");
    let start = body.first().map_or(instruction.text.end, |(_, at)| at.start);
    let place = script.copied().unwrap_or_else(|| gabion_finding::Span::new(start, instruction.text.end));
    shell::commands(place.of(text), place.start as usize)
}

/// `NAME=value` and the old `ENV NAME value`.
fn pairs(instruction: &Instruction, all: &[(String, gabion_finding::Span)], text: &str) -> Node {
    let place = instruction.text;
    let old = all.first().is_some_and(|(word, _)| !word.contains('='));
    let entries = if old {
        let (name, at) = all.first().cloned().unwrap_or_default();
        let rest = gabion_finding::Span::new(at.end, place.end);
        let value = rest.of(text).trim();
        let node = if value.is_empty() {
            Node::new(rest, crate::document::Value::Null)
        } else {
            Node::text(rest, value.trim_matches(['"', '\'']))
        };
        vec![Entry { key: name.into(), key_span: at, node }]
    } else {
        all.iter()
            .filter_map(|(word, at)| {
                let (name, value) = word.split_once('=')?;
                let value_start =
                    at.start.saturating_add(u32::try_from(name.len()).unwrap_or(0)).saturating_add(1);
                let key_span = gabion_finding::Span::new(at.start, value_start.saturating_sub(1));
                let value_span = gabion_finding::Span::new(value_start.min(at.end), at.end);
                let value = value.trim_matches(['"', '\'']);
                Some(Entry { key: name.into(), key_span, node: Node::text(value_span, value) })
            })
            .collect()
    };
    Node::map(place, entries)
}

/// Remembers what `ARG` and `ENV` say; `ARG NAME` takes what was said before the first `FROM`.
fn declare(written: &str, globals: &Variables, variables: &mut Variables) {
    let mut words = written.split_whitespace();
    if !written.contains('=') {
        let Some(name) = words.next() else { return };
        let rest = words.collect::<Vec<_>>().join(" ");
        let value = if rest.is_empty() { globals.get(name).cloned().flatten() } else { Some(rest) };
        variables.insert(name.to_owned(), value);
        return;
    }
    for word in words {
        let Some((name, value)) = word.split_once('=') else { continue };
        let value = expand(value.trim_matches(['"', '\'']), variables);
        variables.insert(name.to_owned(), value);
    }
}

/// Puts in `$NAME`, `${NAME}`, `${NAME:-default}`. None where one is not known.
fn expand(text: &str, variables: &Variables) -> Option<String> {
    let mut out = String::new();
    let mut rest = text;
    while let Some(at) = rest.find('$') {
        out.push_str(rest.get(..at)?);
        rest = rest.get(at.saturating_add(1)..)?;
        if let Some(inside) = rest.strip_prefix('{') {
            let end = inside.find('}')?;
            let (name, default) = match inside.get(..end)?.split_once(":-") {
                Some((name, default)) => (name, Some(default)),
                None => (inside.get(..end)?, None),
            };
            match variables.get(name).cloned().flatten().filter(|value| !value.is_empty()) {
                Some(value) => out.push_str(&value),
                None => out.push_str(default?),
            }
            rest = inside.get(end.saturating_add(1)..)?;
        } else {
            let length =
                rest.find(|letter: char| !(letter.is_alphanumeric() || letter == '_')).unwrap_or(rest.len());
            out.push_str(variables.get(rest.get(..length)?)?.as_deref()?);
            rest = rest.get(length..)?;
        }
        if out.len() > 4096 {
            return None;
        }
    }
    out.push_str(rest);
    Some(out)
}

#[cfg(test)]
mod tests {
    use super::super::read;

    #[test]
    fn arguments_are_put_in_and_users_are_inherited() {
        let text = "ARG V=20\nFROM node:${V}-slim AS base\nUSER app\nFROM base\nARG V\nCOPY . /x$V\nENV K v w\nENV A=1 B=\"2\"\n";
        let root = read(text).roots.remove(0);
        let stages = root.get("stages").unwrap().items();
        assert_eq!(stages[0].str_at("image"), Some("node:20-slim"));
        assert_eq!((stages[1].str_at("base"), stages[1].str_at("user")), (Some("stage"), Some("app")));
        let instructions = stages[1].get("instructions").unwrap().items();
        assert_eq!(instructions[1].str_at("target"), Some("/x20"));
        assert_eq!(instructions[2].str_at("pairs.K"), Some("v w"));
        assert_eq!(instructions[3].str_at("pairs.B"), Some("2"));
    }

    #[test]
    fn what_an_argument_decides_stays_open() {
        let root = read("ARG BASE\nFROM $BASE\nRUN [\"a\", \"b c\"]\n").roots.remove(0);
        assert!(root.at("final.image").unwrap().is_unknown());
        let run = &root.at("final.instructions").unwrap().items()[0];
        assert_eq!(run.get("commands").unwrap().items()[0].str_at("text"), Some("a b c"));
    }
}
