//! What frameworks of JavaScript hand to functions, and what stops it there.

use gabion_code::CodeScanner;

use crate::world::{lines, scan};

/// Files, their texts, and whether a query is built of what a request brings.
const HANDLERS: &[(&str, &str, bool)] = &[
    (
        "users.controller.ts",
        "import { Controller, Get, Query } from '@nestjs/common';\nimport { Pool } from 'pg';\n@Controller('u')\n\
         export class Users {\n  private readonly pool = new Pool();\n  @Get()\n  find(@Query('name') name: string) { return this.pool.query(`SELECT * FROM u WHERE n = '${name}'`); }\n}\n",
        true,
    ),
    (
        "users.controller.ts",
        "import { Controller, Get, Param, ParseIntPipe } from '@nestjs/common';\nimport { Pool } from 'pg';\n@Controller('u')\n\
         export class Users {\n  private readonly pool = new Pool();\n  @Get(':id')\n  find(@Param('id', ParseIntPipe) id: any) { return this.pool.query(`SELECT * FROM u WHERE id = ${id}`); }\n}\n",
        false,
    ),
    (
        "app/api/users/route.ts",
        "import { Pool } from 'pg';\nconst pool = new Pool();\nexport async function GET(request: Request) {\n  const { searchParams } = new URL(request.url);\n\
         return Response.json(await pool.query(`SELECT * FROM u WHERE n = '${searchParams.get('n')}'`));\n}\n",
        true,
    ),
    (
        "app/api/users/[id]/route.ts",
        "import { Pool } from 'pg';\nconst pool = new Pool();\nexport async function GET(_: Request, { params }: { params: { id: string } }) {\n\
         return Response.json(await pool.query('SELECT * FROM u WHERE id = ' + params.id));\n}\n",
        true,
    ),
    (
        "app/actions.ts",
        "'use server';\nimport { Pool } from 'pg';\nconst pool = new Pool();\nexport async function rename(form: FormData) {\n\
         await pool.query(`UPDATE u SET n = '${form.get('n')}'`);\n}\n",
        true,
    ),
    (
        "app/users/page.tsx",
        "import { Pool } from 'pg';\nconst pool = new Pool();\nexport default async function Page({ searchParams }: any) {\n\
         const rows = await pool.query(`SELECT * FROM u WHERE n = '${searchParams.n}'`);\n  return <p>{rows.length}</p>;\n}\n",
        true,
    ),
    (
        "pages/api/users.js",
        "import { Pool } from 'pg';\nconst pool = new Pool();\nexport default async function handler(req, res) {\n\
         res.json(await pool.query(`SELECT * FROM u WHERE n = '${req.query.n}'`));\n}\n",
        true,
    ),
    (
        "resolvers.js",
        "const { Pool } = require('pg');\nconst pool = new Pool();\nmodule.exports = { Query: { user: (parent, args) => pool.query(`SELECT * FROM u WHERE n = '${args.name}'`) } };\n",
        true,
    ),
    (
        "lambda.js",
        "const { Pool } = require('pg');\nconst pool = new Pool();\nexports.handler = async (event, context) => pool.query(`SELECT * FROM u WHERE n = '${event.queryStringParameters.n}'`);\n",
        true,
    ),
    (
        "koa.js",
        "const Koa = require('koa');\nconst { Pool } = require('pg');\nconst pool = new Pool();\nconst app = new Koa();\n\
         app.use(async (ctx) => { ctx.body = await pool.query(`SELECT * FROM u WHERE n = '${ctx.request.body.n}'`); });\n",
        true,
    ),
    (
        "fastify.js",
        "const fastify = require('fastify')();\nconst { Pool } = require('pg');\nconst pool = new Pool();\n\
         fastify.get('/u', async (request, reply) => pool.query(`SELECT * FROM u WHERE n = '${request.query.n}'`));\n",
        true,
    ),
    (
        "socket.js",
        "const { WebSocketServer } = require('ws');\nconst { Pool } = require('pg');\nconst pool = new Pool();\nconst wss = new WebSocketServer({ port: 80 });\n\
         wss.on('connection', (ws) => { ws.on('message', (data) => pool.query(`SELECT * FROM u WHERE n = '${data}'`)); });\n",
        true,
    ),
    (
        "socket.js",
        "const { WebSocketServer } = require('ws');\nconst { Pool } = require('pg');\nconst pool = new Pool();\nconst wss = new WebSocketServer({ port: 80 });\n\
         wss.on('connection', (ws) => { ws.on('close', (code) => pool.query(`SELECT * FROM u WHERE n = '${code}'`)); });\n",
        false,
    ),
    (
        "old.js",
        "const { Pool } = require('pg');\nfunction Users(pool) { this.pool = pool; }\n\
         Users.prototype.find = function (name) { return this.pool.query(`SELECT * FROM u WHERE n = '${name}'`); };\n\
         const users = new Users(new Pool());\nmodule.exports = (req, res) => users.find.call(users, req.query.n).then((rows) => res.json(rows));\n",
        true,
    ),
];

#[test]
fn what_frameworks_hand_to_handlers() {
    let scanner = CodeScanner::new(&[]).unwrap();
    let mut wrong = Vec::new();
    for (file, text, expected) in HANDLERS {
        let verdict = scan(&scanner, &[(file, text)]);
        assert!(verdict.unread.is_empty(), "{file}: {:?}", verdict.unread);
        let found = verdict.findings.iter().any(|finding| finding.rule.as_str() == "sql.injection");
        if found != *expected {
            wrong.push(format!(
                "{} {file}: {:?}\n{text}",
                if found { "found:" } else { "missed:" },
                lines(&verdict.findings)
            ));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

const LIBRARY: &str = "const { exec } = require('child_process');\n\
    function Git(folder) { this.folder = folder; }\n\
    Git.prototype.run = function (line, done) { exec('git ' + line, done); };\n\
    Git.open = (folder) => new Git(folder);\n\
    module.exports = Git;\n";

#[test]
fn only_packages_for_others_are_given_anything() {
    let scanner = CodeScanner::new(&[]).unwrap();
    let found = |manifest: &str| {
        let files = [("package.json", manifest), ("lib/git.js", LIBRARY)];
        let lines = lines(&scan(&scanner, &files).findings);
        lines.into_iter().filter(|line| line.starts_with("library.")).collect::<Vec<_>>()
    };
    let package = r#"{ "name": "git", "version": "1.0.0", "main": "./lib/git" }"#;
    assert_eq!(found(package), ["library.command lib/git.js:3"]);
    let exports =
        r#"{ "name": "git", "version": "1.0.0", "exports": { ".": { "require": "./lib/git.js" } } }"#;
    assert_eq!(found(exports), ["library.command lib/git.js:3"]);
    for other in [
        r#"{ "name": "git", "version": "1.0.0", "main": "./lib/git", "private": true }"#,
        r#"{ "name": "git", "version": "1.0.0", "main": "./lib/git", "scripts": { "start": "node lib/git" } }"#,
        r#"{ "name": "git", "version": "1.0.0", "main": "../../etc/passwd" }"#,
        r#"{ "main": "./lib/git" }"#,
        r#"{ "name": "#,
        "[]",
    ] {
        assert!(found(other).is_empty(), "{other}");
    }
}

#[test]
fn what_only_looks_like_a_query_is_none() {
    let scanner = CodeScanner::new(&[]).unwrap();
    let text = "const crypto = require('crypto');\nmodule.exports = (req, res) => {\n\
        const tag = crypto.createHash('sha256').update(req.body.text).digest('hex');\n  res.json({ tag });\n};\n";
    let found = lines(&scan(&scanner, &[("a.js", text)]).findings);
    assert!(found.is_empty(), "{found:?}");
}
