//! On which ports a project itself says it listens, in the places where projects say it.

use std::path::Path;

use serde_json::Value;

use super::framework::small_text;

/// A port and the file that states it.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Stated {
    pub(super) port: u16,
    pub(super) file: &'static str,
}

/// The scripts that start an application, the one for development first.
const SCRIPTS: &[&str] = &["dev", "start", "serve"];
/// What a command line calls the port.
const FLAGS: &[&str] = &["--port", "-p", "PORT="];
const ENVIRONMENTS: &[(&str, &str)] =
    &[(".env.local", "PORT="), (".env", "PORT="), (".flaskenv", "FLASK_RUN_PORT=")];
/// Python programs that start their own server.
const PROGRAMS: &[&str] = &["main.py", "app.py", "run.py", "server.py"];

/// All of them, the more telling first.
pub(super) fn ports(directory: &Path) -> Vec<Stated> {
    let text = |file: &str| small_text(&directory.join(file)).unwrap_or_default();
    let mut found = Vec::new();
    let mut add = |file, port: Option<u16>| {
        if let Some(port) = port
            && !found.iter().any(|earlier: &Stated| earlier.port == port)
        {
            found.push(Stated { port, file });
        }
    };
    let package: Value = serde_json::from_str(&text("package.json")).unwrap_or_default();
    for script in SCRIPTS {
        let script = package.get("scripts").and_then(|scripts| scripts.get(script)).and_then(Value::as_str);
        add("package.json", script.and_then(of_command));
    }
    add("Procfile", text("Procfile").lines().filter(|line| line.starts_with("web:")).find_map(of_command));
    for (file, name) in ENVIRONMENTS {
        let text = text(file);
        let mut lines = text.lines().map(|line| line.trim_start().trim_start_matches("export "));
        add(file, lines.find_map(|line| number(line.strip_prefix(name)?)));
    }
    for file in PROGRAMS {
        let text = text(file);
        // What stands between the parentheses of `app.run(…)` and `uvicorn.run(…)`.
        let mut calls = text.split(".run(").skip(1).map(within);
        add(file, calls.find_map(|call| after(call, "port=")));
    }
    found
}

fn of_command(command: &str) -> Option<u16> {
    FLAGS.iter().find_map(|flag| after(command, flag))
}

/// The number that follows `mark`, where `mark` is not the end of a longer word.
fn after(text: &str, mark: &str) -> Option<u16> {
    let word = |letter: char| letter.is_alphanumeric() || matches!(letter, '_' | '-');
    text.match_indices(mark).find_map(|(at, _)| {
        let (before, rest) = (text.get(..at)?, text.get(at..)?.strip_prefix(mark)?);
        if before.ends_with(word) { None } else { number(rest) }
    })
}

/// The whole number at the start, behind a sign of assignment and a quote.
fn number(text: &str) -> Option<u16> {
    let text = text.trim_start_matches([' ', '=', '"', '\'']);
    let end = text.find(|letter: char| !letter.is_ascii_digit()).unwrap_or(text.len());
    let (digits, rest) = text.split_at_checked(end)?;
    let whole =
        !rest.starts_with(|letter: char| letter.is_alphanumeric() || matches!(letter, '.' | ':' | '_'));
    digits.parse().ok().filter(|port| whole && *port != 0)
}

/// Up to the parenthesis that closes what was opened before the text.
fn within(text: &str) -> &str {
    let mut depth = 1_usize;
    let end = text.find(|letter| {
        match letter {
            '(' => depth = depth.saturating_add(1),
            ')' => depth = depth.saturating_sub(1),
            _ => {}
        }
        depth == 0
    });
    end.and_then(|end| text.get(..end)).unwrap_or(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stated(files: &[(&str, &str)]) -> Vec<(u16, &'static str)> {
        let folder = tempfile::tempdir().unwrap();
        for (file, text) in files {
            std::fs::write(folder.path().join(file), text).unwrap();
        }
        ports(folder.path()).into_iter().map(|stated| (stated.port, stated.file)).collect()
    }

    #[test]
    fn finds_ports_where_projects_state_them() {
        let script = |dev: &str| format!(r#"{{ "scripts": {{ "dev": "{dev}" }} }}"#);
        for dev in ["next dev -p 3100", "vite --host --port=3100", "PORT=3100 node .", "vite --port 3100"] {
            assert_eq!(stated(&[("package.json", &script(dev))]), [(3100, "package.json")], "{dev}");
        }
        let environment = "# PORT=1\nDB_PORT=5432\nexport PORT=\"3200\"\n";
        assert_eq!(stated(&[(".env", environment)]), [(3200, ".env")]);
        assert_eq!(stated(&[("Procfile", "web: uvicorn a:app --port 3300\n")]), [(3300, "Procfile")]);
        let program = "db(port=5432)\nuvicorn.run(\n  app, host=env(\"H\"), port=3400)\ndb(port=1)\n";
        assert_eq!(stated(&[("main.py", program)]), [(3400, "main.py")]);
        assert_eq!(
            stated(&[("package.json", &script("vite --port 3100")), (".env", "PORT=3200\n")]),
            [(3100, "package.json"), (3200, ".env")]
        );
    }

    #[test]
    fn finds_none_where_none_is_stated() {
        for dev in
            ["tsc -p tsconfig.json", "next dev --port $PORT", "docker run -p 3000:3000 x", "x --export 1"]
        {
            let package = format!(r#"{{ "scripts": {{ "dev": "{dev}" }} }}"#);
            assert!(stated(&[("package.json", &package)]).is_empty(), "{dev}");
        }
        assert!(
            stated(&[("package.json", "[1]"), ("app.py", "redis(port=6379)"), (".env", "PORT=\n")])
                .is_empty()
        );
    }
}
