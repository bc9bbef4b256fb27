//! `docs/checks/`: a page per check, which is the header of its file.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use gabion_control::Catalogue;

use crate::tidy::Workspace;
use crate::tidy::naming::{checks, controls_of, module};

pub(super) fn write(workspace: &Workspace, pages: &mut BTreeMap<String, String>) {
    let checks = checks(workspace);
    if checks.is_empty() {
        return;
    }
    let mut list = String::from(
        "# Checks\n\nWhat happens to a request on its way. Each check is one file, one table `[checks.NAME]` in \
         `gabion.toml`, and can be run dry with `mode = \"observe\"`. The order, with its reasons, stands in \
         [`order.rs`](../../crates/checks/src/order.rs).\n\n| check | about | serves |\n|---|---|---|\n",
    );
    for file in checks {
        let name = module(&file.path);
        let header = file.header();
        let about = header.lines().next().unwrap_or_default().trim_end_matches('.');
        let serves: Vec<String> = Catalogue::built_in()
            .enforced_by(name)
            .map(|control| format!("[`{0}`](../controls/{0}.md)", control.id))
            .collect();
        let _ = writeln!(list, "| [`{name}`]({name}.md) | {about} | {} |", serves.join(", "));

        let mut page = format!("# `{name}`\n\n");
        for line in header.lines() {
            match controls_of(file).iter().find(|id| line.starts_with(&format!("Control: `{id}`"))) {
                Some(id) => {
                    let _ = writeln!(
                        page,
                        "Control: [`{id}`](../controls/{id}.md) · configuration: [`[checks.{name}]`](../configuration.md)"
                    );
                }
                None => {
                    page.push_str(line);
                    page.push('\n');
                }
            }
        }
        pages.insert(format!("docs/checks/{name}.md"), page);
    }
    pages.insert("docs/checks/README.md".to_owned(), list);
}
