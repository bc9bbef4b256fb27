//! What looks wrong in JavaScript and is not, beside what is.

use crate::world::{scan, scanner};

/// A rule, a file, and whether the rule finds something in it.
const FILES: &[(&str, &str, bool)] = &[
    // What runs on the machine of a developer only.
    (
        "express.errorhandler.prod",
        "const app = require('express')(); if (process.env.NODE_ENV !== 'production') app.use(require('errorhandler')());",
        false,
    ),
    (
        "express.errorhandler.prod",
        "const app = require('express')(); app.use(require('errorhandler')());",
        true,
    ),
    (
        "cookie.no-secure",
        "const app = require('express')(); app.use(require('express-session')({ secret: process.env.S, cookie: { secure: process.env.NODE_ENV === 'production', httpOnly: true } }));",
        false,
    ),
    // Options that a function makes for each request.
    (
        "cors.wildcard",
        "const app = require('express')(); app.use(require('cors')((req, done) => done(null, options(req))));",
        false,
    ),
    ("cors.wildcard", "const app = require('express')(); app.use(require('cors')({ maxAge: 60 }));", true),
    // Where the server put the file.
    (
        "path.traversal",
        "exports.a = (req, res) => { require('fs').unlink(req.file.path, () => res.sendStatus(204)); };",
        false,
    ),
    (
        "path.traversal",
        "exports.a = (req, res) => { req.file.title = 'a'; require('fs').unlink(req.file.path, () => res.sendStatus(204)); };",
        false,
    ),
    (
        "path.traversal",
        "exports.a = (req, res) => { require('fs').unlink('/srv/' + req.file.originalname, () => res.sendStatus(204)); };",
        true,
    ),
    (
        "path.traversal",
        "exports.a = (req, res) => { req.file = req.file || {}; require('fs').unlink(req.file.path, () => res.sendStatus(204)); };",
        false,
    ),
    (
        "log.sensitive",
        "exports.a = (req, res) => { const body = req.body || {}; const { name = '', password = '' } = body; console.log(name, password); };",
        true,
    ),
    (
        "log.sensitive",
        "exports.a = (req, res) => { const { name = '', password = '' } = req.body || {}; console.log(name, password.length); };",
        false,
    ),
    // A variable of one's own that is called as the page's address.
    (
        "open-redirect",
        "import { useLocation } from 'react-router-dom';\nexport function A() { const location = useLocation(); return location.pathname; }",
        false,
    ),
    (
        "open-redirect",
        "export function a() { location = new URLSearchParams(window.location.search).get('to'); }",
        true,
    ),
    // What is found is not what was looked for.
    (
        "command.injection",
        "const { exec } = require('child_process'); const jobs = require('jobs'); exports.a = (req, res) => exec(jobs.findJob(req.query.id).command);",
        false,
    ),
    (
        "command.injection",
        "const { exec } = require('child_process'); const jobs = require('jobs'); exports.a = (req, res) => exec(jobs.format(req.query.id));",
        true,
    ),
    // A number among settings.
    (
        "random.insecure",
        "const { start } = require('server'); const config = start({ id: Math.random(), secret: process.env.S }); exports.secret = config.secret;",
        false,
    ),
    (
        "random.insecure",
        "exports.a = () => { const token = Math.random().toString(36).slice(2); return token; };",
        true,
    ),
    // Sent as text of a form that browsers do not show as a page.
    ("xss.reflected", "exports.a = (req, res) => res.end(JSON.stringify({ a: req.query.a }));", false),
    ("xss.reflected", "exports.a = (req, res) => res.end(`<p>${req.query.a}</p>`);", true),
    // Read to find the key by which it is verified.
    (
        "jwt.unverified",
        "const jwt = require('jsonwebtoken'); exports.a = (token) => jwt.decode(token, { complete: true }).header.kid;",
        false,
    ),
    (
        "jwt.unverified",
        "const jwt = require('jsonwebtoken'); exports.a = (token) => jwt.decode(token).sub;",
        true,
    ),
    // What express calls when something went wrong is given the error first.
    (
        "error.stack-leak",
        "const app = require('express')(); app.use((problem: any, request: any, answer: any, next: any) => { answer.status(500).send(problem.stack); });",
        true,
    ),
    (
        "error.stack-leak",
        "const app = require('express')(); app.use((problem: any, request: any, answer: any, next: any) => { answer.status(500).send(problem.status); });",
        false,
    ),
    (
        "xss.reflected",
        "const app = require('express')(); app.use((problem: any, request: any, answer: any, next: any) => { answer.status(500).send(`<p>${request.query.a}</p>`); });",
        true,
    ),
    // What parameters are is said by imports of types, however they are written.
    (
        "open-redirect",
        "import { type Request, type Response } from 'express';\nexport const a = ({ query }: Request, answer: Response) => answer.redirect(query.to as string);",
        true,
    ),
    // What a procedure is given.
    (
        "command.injection",
        "import { exec } from 'node:child_process';\nimport { publicProcedure } from '../trpc';\nexport const a = publicProcedure.input(z.object({ b: z.string() })).mutation(({ input }) => exec(`ls ${input.b}`));",
        true,
    ),
    (
        "command.injection",
        "import { exec } from 'node:child_process';\nimport { publicProcedure } from '../trpc';\nexport const a = publicProcedure.input(z.object({ b: z.string() })).mutation(({ ctx }) => exec(`ls ${ctx.b}`));",
        false,
    ),
    // No password, however it is looked at.
    (
        "auth.password.plaintext-store",
        "exports.a = async (req, res) => { const { password } = req.body; if (isValid(password)) await users.insertOne({ password }); };",
        true,
    ),
    // Models of tables have methods of the same names.
    (
        "nosql.injection",
        "const knex = require('knex')({}); const Book = require('bookshelf')(knex).model('Book'); exports.a = (req, res) => Book.findOne({ name: req.body.name });",
        false,
    ),
    (
        "nosql.injection",
        "const knex = require('knex')({}); const mongoose = require('mongoose'); const Book = mongoose.model('Book'); exports.a = (req, res) => Book.findOne({ name: req.body.name });",
        true,
    ),
];

#[test]
fn what_is_wrong_and_what_only_looks_so() {
    let mut wrong = Vec::new();
    for (rule, text, expected) in FILES {
        let verdict = scan(scanner(), &[("a.ts", text)]);
        assert!(verdict.unread.is_empty(), "{text}: {:?}", verdict.unread);
        let found = verdict.findings.iter().any(|finding| finding.rule.as_str() == *rule);
        if found != *expected {
            wrong.push(format!("{} {rule} {text}", if found { "found:" } else { "missed:" }));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn what_tests_do_is_less_sure() {
    use gabion_finding::Confidence;
    let text = "const { exec } = require('child_process');\nexports.a = (req, res) => exec(req.query.a);\n";
    for (path, expected) in [
        ("src/a.js", Confidence::High),
        ("src/a.test.js", Confidence::Low),
        ("src/a.spec.ts", Confidence::Low),
        ("src/__tests__/a.js", Confidence::Low),
        ("src/latest.js", Confidence::High),
    ] {
        let verdict = scan(scanner(), &[(path, text)]);
        let found = verdict.findings.iter().find(|finding| finding.rule.as_str() == "command.injection");
        assert_eq!(found.map(|finding| finding.confidence), Some(expected), "{path}");
    }
}

#[test]
fn what_a_test_gives_is_made_up() {
    let seal = "const crypto = require('crypto');\nexports.seal = (key, iv, text) => crypto.createCipheriv('aes-256-gcm', key, iv).update(text);\n";
    let test = "const { seal } = require('./seal');\nseal('0123456789abcdef0123456789abcdef', '012345678901', 'a');\n";
    let found = |path: &str| {
        let verdict = scan(scanner(), &[("seal.js", seal), (path, test)]);
        verdict.findings.iter().any(|finding| finding.rule.as_str() == "crypto.key.hardcoded")
    };
    assert!(found("main.js"));
    assert!(!found("seal.test.js"));
}
