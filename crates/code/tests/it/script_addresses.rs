//! Addresses in JavaScript: which part of one decides where it leads, and who chose that part.

use crate::world::{scan, scanner};

/// What a handler does with `req`, and whether somebody else decides what is fetched (`F`), where people are sent (`R`), or neither.
const BODIES: &[(&str, &str)] = &[
    ("fetch(`${process.env.API}/users/${req.query.a}`)", ""),
    ("fetch(process.env.API + '/users/' + req.query.a)", ""),
    ("fetch(`https://${req.query.a}/users`)", "F"),
    ("fetch(req.query.a + '/users')", "F"),
    ("fetch(new URL(`/users/${req.query.a}`, process.env.API))", ""),
    ("fetch(new URL(`users/${req.query.a}`, process.env.API))", ""),
    ("fetch(new URL(req.query.a, process.env.API))", "F"),
    ("fetch(new URL(`/${req.query.a}`, process.env.API))", "F"),
    ("fetch(new URL('/users', req.query.a))", "F"),
    ("fetch(new URL(req.query.a))", "F"),
    ("const u = new URL('https://api.example.org/a'); u.searchParams.set('q', req.query.a); fetch(u)", ""),
    ("const u = new URL('https://api.example.org/a'); u.pathname = req.query.a; fetch(u.href)", ""),
    ("const u = new URL('https://api.example.org/a'); u.hostname = req.query.a; fetch(u.href)", "F"),
    ("axios({ method: 'post', url: `${process.env.API}/a`, data: req.body })", ""),
    ("axios({ method: 'post', url: req.body.a, data: 'a' })", "F"),
    ("axios({ baseURL: req.body.a, url: '/a' })", "F"),
    ("https.get({ hostname: 'api.example.org', path: `/a/${req.query.a}` })", ""),
    ("https.get({ hostname: req.query.a, path: '/a' })", "F"),
    ("res.redirect(new URL('/login', req.url))", ""),
    ("res.redirect(new URL(req.query.a, req.url))", "R"),
    ("res.redirect('./done?' + req.query.a)", ""),
    ("res.redirect('?next=' + req.query.a)", ""),
    ("res.redirect(`${process.env.SITE}/done?a=${req.query.a}`)", ""),
    ("res.redirect('/' + req.query.a)", "R"),
    ("res.redirect(jwt.verify(req.query.a, process.env.KEY).back)", ""),
    ("res.redirect(jwt.decode(req.query.a).back)", "R"),
];

#[test]
fn only_what_decides_the_host_leads_elsewhere() {
    let mut wrong = Vec::new();
    for (body, expected) in BODIES {
        let text = format!(
            "const axios = require('axios');\nconst https = require('https');\nconst jwt = require('jsonwebtoken');\n\
            exports.show = (req, res) => {{\n{body};\n}};\n"
        );
        let verdict = scan(scanner(), &[("a.js", &text)]);
        assert!(verdict.unread.is_empty(), "{body}: {:?}", verdict.unread);
        let has = |rule: &str| verdict.findings.iter().any(|finding| finding.rule.as_str() == rule);
        let found = [("F", "ssrf"), ("R", "open-redirect")];
        let found: String = found.iter().filter(|(_, rule)| has(rule)).map(|(mark, _)| *mark).collect();
        if found != *expected {
            wrong.push(format!("{body}: found `{found}`, expected `{expected}`"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn the_address_of_a_request_of_next_leads_here() {
    let text = "import { NextResponse } from 'next/server';\n\
        import type { NextRequest } from 'next/server';\n\
        export function middleware(request: NextRequest) {\n\
        \x20 const url = request.nextUrl.clone();\n\
        \x20 url.pathname = '/login';\n\
        \x20 return request.cookies.has('a') ? NextResponse.redirect(url) : NextResponse.redirect(new URL('/login', request.url));\n\
        }\n\
        export function GET(request: NextRequest) {\n\
        \x20 return NextResponse.redirect(request.nextUrl.searchParams.get('to')!);\n\
        }\n";
    let verdict = scan(scanner(), &[("a.ts", text)]);
    let lines: Vec<u32> = verdict
        .findings
        .iter()
        .filter(|finding| finding.rule.as_str() == "open-redirect")
        .map(|finding| finding.place.start.line)
        .collect();
    assert_eq!(lines, [9]);
}

/// What a handler asks a database, and whether that may become another question.
const QUERIES: &[(&str, bool)] = &[
    ("db.collection('a').findOne({ name: req.body.name })", true),
    ("db.collection('a').updateOne({ name: req.body.name }, { $set: { a: 1 } })", true),
    ("user.update({ name: req.body.name })", false),
    ("knex('a').update({ name: req.body.name }).where('id', 1)", false),
    ("UserService.updateOne(req.body.id, { a: 1 })", false),
    ("User.findOne({ where: { name: req.body.name } })", false),
    ("crypto.createHash('sha256').update(req.body.name, 'utf8')", false),
    ("db.collection('a').findOne({ name: { $in: req.body.names.map(() => 'x') } })", false),
    ("db.collection('a').findOne({ name: { $in: req.body.names.map((name) => name) } })", true),
    ("new Store().find(req.body.name)", true),
];

#[test]
fn only_questions_to_a_database_are_changed_by_objects() {
    let mut wrong = Vec::new();
    for (body, expected) in QUERIES {
        let text = format!(
            "const crypto = require('crypto');\nconst knex = require('knex')({{}});\n\
            const UserService = require('./user-service');\n\
            function Store() {{\n  if (!(this instanceof Store)) return new Store();\n  const all = db.collection('a');\n\
            \x20 this.find = (name) => all.findOne({{ name }});\n}}\n\
            exports.show = (req, res) => {{\n{body};\n}};\n"
        );
        let verdict = scan(scanner(), &[("a.js", &text)]);
        let found = verdict.findings.iter().any(|finding| finding.rule.as_str() == "nosql.injection");
        if found != *expected {
            wrong.push(format!("{} {body}", if found { "found:" } else { "missed:" }));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
