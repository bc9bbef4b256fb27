//! Checks that people write in JavaScript before they use what a request brings, each beside one that is none.

use crate::world::{scan, scanner};

/// Bodies of a handler, and the rule that finds something in them; none where the check is one.
const BODIES: &[(&str, &str)] = &[
    // Paths.
    ("read(path.join(BASE, path.normalize(req.query.a).replace(/^(\\.\\.(\\/|\\\\|$))+/, '')))", ""),
    ("read(path.join(BASE, req.query.a.replace(/^(\\.\\.(\\/|\\\\|$))+/, '')))", "path.traversal"),
    (
        "const p = path.join(BASE, req.query.a); if (path.relative(BASE, p).startsWith('..')) return; read(p)",
        "",
    ),
    (
        "const p = path.join(BASE, req.query.a); if (path.relative(BASE, p).startsWith('x')) return; read(p)",
        "path.traversal",
    ),
    ("const a = req.query.a; if (a.includes('..')) return; read(path.join(BASE, a))", ""),
    ("const a = req.query.a; if (a.includes('..')) return; read(path.resolve(BASE, a))", "path.traversal"),
    ("const a = req.query.a; if (a.includes('..')) return; read(a)", "path.traversal"),
    ("read(path.join(BASE, require('sanitize-filename')(req.query.a)))", ""),
    ("read(path.join(BASE, path.parse(req.query.a).base))", ""),
    ("read(path.join(BASE, path.parse(req.query.a).dir))", "path.traversal"),
    // Addresses.
    ("const u = new URL(req.query.a); if (!['a.org', 'b.org'].includes(u.hostname)) return; fetch(u)", ""),
    ("const u = new URL(req.query.a); if (u.hostname !== 'a.org') return; fetch(u.href)", ""),
    ("const u = new URL(req.query.a); if (!u.hostname.endsWith('.a.org')) return; fetch(u)", ""),
    ("const u = new URL(req.query.a); if (u.protocol !== 'https:') return; fetch(u)", "ssrf"),
    ("const to = req.query.a; if (!to.startsWith('/') || to.startsWith('//')) return; res.redirect(to)", ""),
    ("const to = req.query.a; if (to.startsWith('/') && !to.startsWith('//')) res.redirect(to)", ""),
    ("const to = req.query.a; if (!to.startsWith('/')) return; res.redirect(to)", "open-redirect"),
    ("const to = req.query.a; if (to.startsWith('//')) return; res.redirect(to)", "open-redirect"),
    ("res.redirect(/^\\/(?!\\/)/.test(req.query.a) ? req.query.a : '/')", ""),
    ("res.redirect(/^\\//.test(req.query.a) ? req.query.a : '/')", "open-redirect"),
    // Queries.
    ("if (typeof req.body.a !== 'string') return; User.findOne({ name: req.body.a })", ""),
    ("if (typeof req.body.a === 'undefined') return; User.findOne({ name: req.body.a })", "nosql.injection"),
    ("User.findOne({ name: { $eq: req.body.a } })", ""),
    ("User.findOne({ name: { $ne: req.body.a } })", "nosql.injection"),
    ("const { a } = z.object({ a: z.string() }).parse(req.body); User.findOne({ name: a })", ""),
    ("const { a } = z.object({ a: z.any() }).parse(req.body); User.findOne({ name: a })", "nosql.injection"),
    (
        "const { a } = z.object({ a: z.coerce.number() }).parse(req.query); db.query(`SELECT x FROM y LIMIT ${a}`)",
        "",
    ),
    (
        "const { a } = z.object({ a: z.enum(['b', 'c']) }).parse(req.query); db.query(`SELECT x FROM y ORDER BY ${a}`)",
        "",
    ),
    (
        "const { a } = z.object({ a: z.string() }).parse(req.query); db.query(`SELECT x FROM y ORDER BY ${a}`)",
        "sql.injection",
    ),
    (
        "const got = z.object({ a: z.string().uuid() }).safeParse(req.query); if (got.success) db.query(`SELECT x FROM y WHERE a = '${got.data.a}'`)",
        "",
    ),
    (
        "const got = z.object({ a: z.string().max(9) }).safeParse(req.query); if (got.success) db.query(`SELECT x FROM y WHERE a = '${got.data.a}'`)",
        "sql.injection",
    ),
    // Pages.
    ("res.type('text/plain').send(req.query.a)", ""),
    ("res.type('html').send(req.query.a)", "xss.reflected"),
    ("res.set('Content-Type', 'text/plain'); res.send(req.query.a)", ""),
    ("res.set('Content-Type', 'text/html'); res.send(req.query.a)", "xss.reflected"),
    ("res.writeHead(200, { 'Content-Type': 'application/json' }); res.end(req.query.a)", ""),
    ("res.setHeader('Content-Type', 'text/plain'); res.redirect(req.query.a)", "open-redirect"),
    // Patterns.
    ("new RegExp(req.query.a.replace(/[.*+?^${}()|[\\]\\\\]/g, '\\\\$&'))", ""),
    ("new RegExp(req.query.a.replace(/[.]/g, '\\\\$&'))", "regex.injection"),
];

#[test]
fn checks_of_paths_addresses_and_texts() {
    let rules = [
        "path.traversal",
        "ssrf",
        "open-redirect",
        "nosql.injection",
        "sql.injection",
        "xss.reflected",
        "regex.injection",
    ];
    let mut wrong = Vec::new();
    for (body, expected) in BODIES {
        let text = format!(
            "const fs = require('fs');\nconst path = require('path');\nconst {{ z }} = require('zod');\n\
            const db = require('mysql2').createPool({{}});\nconst User = require('mongoose').model('User');\n\
            const BASE = '/srv/files';\nconst read = (name) => fs.readFileSync(name);\n\
            exports.show = (req, res) => {{\n{body};\n}};\n"
        );
        let verdict = scan(scanner(), &[("a.js", &text)]);
        assert!(verdict.unread.is_empty(), "{body}: {:?}", verdict.unread);
        let found = rules
            .iter()
            .filter(|rule| verdict.findings.iter().any(|finding| finding.rule.as_str() == **rule));
        let found: Vec<&str> = found.copied().collect();
        if found.join(" ") != *expected {
            wrong.push(format!("{body}: found {found:?}, expected `{expected}`"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
