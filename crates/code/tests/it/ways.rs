//! The ways a value takes: through functions, files, fields, branches and lists; and what stops it.

use gabion_code::CodeScanner;
use gabion_finding::Confidence;

use crate::world::{found, scan};

#[test]
fn from_file_to_file_through_functions() {
    let routes = "const { byName } = require('./db');\n\
        module.exports = (app) => app.get('/u', async (req, res) => res.json(await byName(req.query.name)));\n";
    let db = "const { Pool } = require('pg');\nconst pool = new Pool();\n\
        const run = (sql) => pool.query(sql);\n\
        exports.byName = (name) => run(\"SELECT * FROM users WHERE name = '\" + name + \"'\");\n";
    assert_eq!(found(&[("routes.js", routes), ("db.js", db)]), ["sql.injection db.js:3"]);
    let safe = db.replace("+ name +", "+ Number(name) +");
    assert!(found(&[("routes.js", routes), ("db.js", &safe)]).is_empty());
}

#[test]
fn from_file_to_file_through_classes_and_exports() {
    let service = "import { Pool } from 'pg';\n\
        export default class Users {\n  private readonly pool = new Pool();\n  constructor(private readonly table: string) {}\n\
        find(name: string) { return this.pool.query(`SELECT * FROM ${this.table} WHERE name = '${name}'`); }\n}\n";
    let index = "export { default as Users } from './service';\n";
    let routes = "import { Users } from './users';\nimport type { Request, Response } from 'express';\n\
        const users = new Users('users');\n\
        export const list = async (req: Request, res: Response) => { res.json(await users.find(req.params.name)); };\n";
    let files = [("src/users/service.ts", service), ("src/users/index.ts", index), ("src/routes.ts", routes)];
    assert_eq!(found(&files), ["sql.injection src/users/service.ts:5"]);
}

#[test]
fn the_trace_says_how_it_came() {
    let text = "const { exec } = require('child_process');\n\
        const run = (line) => exec(line);\n\
        exports.ping = (req, res) => {\n  const host = req.query.host;\n  run('ping ' + host);\n};\n";
    let verdict = scan(&CodeScanner::new(&[]).unwrap(), &[("a.js", text)]);
    let finding = &verdict.findings[0];
    let steps: Vec<String> =
        finding.trace.iter().map(|step| format!("{} {}", step.place.start.line, step.says)).collect();
    assert_eq!(steps[0], "4 the request", "{steps:?}");
    assert!(steps.iter().any(|step| step == "5 it is given to `run`"), "{steps:?}");
    assert!(steps.last().unwrap().starts_with("2 it arrives in `child_process.exec"), "{steps:?}");
    assert_eq!(finding.message, "the request becomes part of a command in `child_process.exec`");
}

/// Bodies of a handler, and whether a command is built of what the request brings.
const BODIES: &[(&str, bool)] = &[
    ("exec(req.query.a)", true),
    ("exec(`ls ${req.query.a}`)", true),
    ("let a = 'ls'; if (req.query.x) { a = req.query.a; } exec(a)", true),
    ("let a = req.query.a; a = 'ls'; exec(a)", false),
    ("const o = { a: req.query.a, b: 'ls' }; exec(o.a)", true),
    ("const o = { a: req.query.a, b: 'ls' }; exec(o.b)", false),
    ("const l = ['ls', req.query.a]; exec(l[1])", true),
    ("const l = ['ls', req.query.a]; exec(l[0])", false),
    ("const l = []; l.push('ls'); l.push(req.query.a); exec(l.join(' '))", true),
    ("const { a, ...rest } = req.query; exec(a)", true),
    ("const [first] = req.query.a.split(','); exec(first)", true),
    ("const a = Number(req.query.a); exec('sleep ' + a)", false),
    ("const a = req.query.a.length; exec('sleep ' + a)", false),
    ("if (false) { exec(req.query.a); }", false),
    ("const a = 1 > 2 ? req.query.a : 'ls'; exec(a)", false),
    ("switch ('b') { case 'a': exec(req.query.a); break; default: exec('ls'); }", false),
    ("if (!['ls', 'ps'].includes(req.query.a)) return; exec(req.query.a)", false),
    ("if (!['ls', 'ps'].includes(req.query.b)) return; exec(req.query.a)", true),
    ("if (!/^[a-z]+$/.test(req.query.a)) { return res.send('no'); } exec(req.query.a)", false),
    ("if (!/[a-z]+/.test(req.query.a)) { return res.send('no'); } exec(req.query.a)", true),
    ("const a = req.query.a; if (a !== 'ls') throw new Error(); exec(a)", false),
    ("if (typeof req.query.a !== 'number') return; exec('sleep ' + req.query.a)", false),
    ("let line = ''; for (const a of req.query.list) { line += a; } exec(line)", true),
    ("req.query.list.forEach((a) => exec(a))", true),
    ("req.query.list.map((a) => a.trim()).forEach((a) => exec(a))", true),
    ("Promise.resolve(req.query.a).then((a) => exec(a))", true),
    ("try { exec(JSON.parse(req.body.a).b); } catch (error) { }", true),
    ("const f = function (x) { return x; }; exec(f(req.query.a))", true),
    ("const f = (x, y) => y; exec(f(req.query.a, 'ls'))", false),
    ("const f = (x) => { x.a = req.query.a; return x; }; exec(f({}).a)", true),
    ("const map = new Map(); map.set('a', req.query.a); exec(map.get('a'))", true),
    ("res.locals.a = req.query.a; exec(res.locals.a)", true),
    ("const a = req.query.a ?? 'ls'; exec(a)", true),
    ("let a; try { a = req.query.a; } finally { exec(a); }", true),
    ("const a = Object.assign({}, req.body); exec(a.x)", true),
    ("const a = { ...req.body }; exec(a.x)", true),
    ("const a = [...req.query.a]; exec(a[0])", true),
    ("async function f() { const a = await req.query.a; exec(a); } f()", true),
    ("setTimeout(() => exec(req.query.a), 1)", true),
    ("const a = req.query.a.replace(/[^a-z]/g, ''); exec('ls ' + a)", false),
];

#[test]
fn ways_through_a_handler() {
    let scanner = CodeScanner::new(&[]).unwrap();
    let mut wrong = Vec::new();
    for (body, expected) in BODIES {
        let text = format!(
            "const {{ exec }} = require('child_process');\nmodule.exports = (req, res) => {{\n{body};\n}};\n"
        );
        let verdict = scan(&scanner, &[("a.js", &text)]);
        assert!(verdict.unread.is_empty(), "{body}: {:?}", verdict.unread);
        let found = verdict.findings.iter().any(|finding| finding.rule.as_str() == "command.injection");
        if found != *expected {
            wrong.push(format!("{} {body}", if found { "found:" } else { "missed:" }));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn a_long_way_is_less_sure() {
    let through = |steps: usize| {
        let mut text = "const { exec } = require('child_process');\nmodule.exports = (req, res) => {\nconst a0 = req.query.a;\n".to_owned();
        for step in 0..steps {
            text.push_str(&format!("const a{} = a{step} + ' ';\n", step + 1));
        }
        text.push_str(&format!("exec(a{steps});\n}};\n"));
        let verdict = scan(crate::world::scanner(), &[("a.js", &text)]);
        verdict.findings.iter().map(|finding| finding.confidence).collect::<Vec<_>>()
    };
    assert_eq!(through(3), [Confidence::High]);
    assert_eq!(through(20), [Confidence::Medium]);
}
