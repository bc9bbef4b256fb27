//! Terraform: the resources of a module, with what its variables and locals say where that is known.

use gabion_finding::{Source, Span};

use crate::document::hcl::{Block, Parsed, Scope, blocks, parse};
use crate::document::{Entry, Gap, Node};
use crate::subject::Subject;

/// One file of a module.
#[derive(Debug)]
pub(crate) struct ModuleFile<'a> {
    pub(crate) source: &'a Source,
    parsed: Parsed,
    blocks: Vec<Block>,
}

/// Locals may hang on locals; deeper chains stay open.
const ROUNDS: usize = 3;

/// Reads the files of one directory together.
pub(crate) fn module<'a>(sources: &[&'a Source]) -> Vec<ModuleFile<'a>> {
    let read = |source: &&'a Source| ModuleFile { source, parsed: parse(source.text()), blocks: Vec::new() };
    let mut files: Vec<ModuleFile<'a>> = sources.iter().map(read).collect();
    let mut scope = Scope::new();
    for _ in 0..ROUNDS {
        for file in &mut files {
            file.blocks = blocks(&file.parsed, file.source.text(), &scope);
        }
        let before = scope.len();
        for file in &files {
            collect(file, &mut scope);
        }
        if scope.len() == before && before == 0 {
            break;
        }
    }
    files
}

fn collect(file: &ModuleFile<'_>, scope: &mut Scope) {
    let values =
        file.source.path().ends_with("terraform.tfvars") || file.source.path().ends_with(".auto.tfvars");
    for block in &file.blocks {
        match (block.kind.as_str(), block.labels.as_slice()) {
            ("variable", [name]) => {
                // Where somebody sets it, that holds.
                let key = format!("var.{name}");
                if let Some(default) = block.body.get("default").filter(|_| !scope.contains_key(&key)) {
                    scope.insert(key, default.clone());
                }
            }
            ("locals", _) => {
                for entry in block.body.entries().iter().filter(|entry| !entry.node.is_unknown()) {
                    scope.insert(format!("local.{}", entry.key), entry.node.clone());
                }
            }
            (name, []) if values => {
                scope.insert(format!("var.{name}"), block.body.clone());
            }
            _ => {}
        }
    }
}

/// What kinds of resources and data the files declare together: `{aws_s3_bucket: true, "data.aws_vpc": true}`.
pub(crate) fn declared(files: &[ModuleFile<'_>]) -> Node {
    let mut entries: Vec<Entry> = Vec::new();
    for block in files.iter().flat_map(|file| &file.blocks) {
        let key = match (block.kind.as_str(), block.labels.as_slice()) {
            ("resource", [sort, _]) => sort.clone(),
            ("data", [sort, _]) => format!("data.{sort}"),
            _ => continue,
        };
        if !entries.iter().any(|entry| *entry.key == key) {
            let node = Node::bool(block.head, true);
            entries.push(Entry { key: key.into(), key_span: block.head, node });
        }
    }
    Node::map(Span::new(0, 0), entries)
}

impl ModuleFile<'_> {
    pub(crate) fn gaps(&self) -> &[Gap] {
        &self.parsed.gaps
    }

    /// `$module` says what the module declares.
    pub(crate) fn subjects<'s>(&'s self, module: &'s Node, all: &mut Vec<Subject<'s>>) {
        for block in &self.blocks {
            let (kind, sort, name) = match (block.kind.as_str(), block.labels.as_slice()) {
                ("resource", [sort, name]) => ("terraform", sort.as_str(), format!("{sort}.{name}")),
                ("data", [sort, name]) => ("terraform.data", sort.as_str(), format!("data.{sort}.{name}")),
                ("provider", [name]) => ("terraform.provider", name.as_str(), name.clone()),
                ("variable", [name]) => ("terraform.variable", "", name.clone()),
                ("output", [name]) => ("terraform.output", "", name.clone()),
                ("module", [name]) => ("terraform.module", "", name.clone()),
                ("terraform", []) => ("terraform.settings", "", String::new()),
                _ => continue,
            };
            let node: &Node = &block.body;
            let named = vec![("module", module)];
            all.push(Subject { kind, sort, name, anchor: block.head, node, named, source: self.source });
        }
    }
}
