//! Every class of injection in every language, over the border of a function and of a file: the same harm is found
//! wherever its sink and its source stand, and where the value is a constant there is nothing to find.

use std::collections::BTreeSet;

use crate::world::{scan, scanner};

/// A class of a language: the rule, what the file of the sink imports, and the sink, with `VALUE` for what it is given.
type Class = (&'static str, &'static str, &'static str);

/// How a language writes a handler, a sink and a source, in one file or in three.
struct Language {
    classes: &'static [Class],
    /// Files of the case where all stands in one, with `IMPORTS`, `SINK` and `SOURCE`.
    functions: &'static [(&'static str, &'static str)],
    files: &'static [(&'static str, &'static str)],
    /// What a request brings, as the body of a function that is given the request, and a constant.
    source: &'static str,
    constant: &'static str,
}

/// Scans each class both ways; what is wrong is told together.
fn check(language: &Language) {
    let mut wrong = Vec::new();
    for (rule, imports, sink) in language.classes {
        for (border, files) in [("functions", language.functions), ("files", language.files)] {
            for (source, harmful) in [(language.source, true), (language.constant, false)] {
                let fill = |text: &str| {
                    text.replace("IMPORTS", imports).replace("SINK", sink).replace("SOURCE", source)
                };
                let texts: Vec<(&str, String)> =
                    files.iter().map(|(path, text)| (*path, fill(text).replace("VALUE", "value"))).collect();
                let texts: Vec<(&str, &str)> =
                    texts.iter().map(|(path, text)| (*path, text.as_str())).collect();
                let verdict = scan(scanner(), &texts);
                assert!(verdict.unread.is_empty(), "{rule} over {border}: {:?}", verdict.unread);
                let found: BTreeSet<&str> = verdict.findings.iter().map(|one| one.rule.as_str()).collect();
                if found.contains(rule) != harmful {
                    let what = if harmful { "missed" } else { "found of a constant" };
                    wrong.push(format!("{rule} over {border}: {what}; found {found:?}"));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn javascript() {
    check(&Language {
        classes: &[
            (
                "sql.injection",
                "const db = require('mysql').createConnection({});",
                "db.query('SELECT * FROM u WHERE n = ' + VALUE);",
            ),
            (
                "nosql.injection",
                "const { MongoClient } = require('mongodb');\nconst users = new MongoClient('').db('a').collection('u');",
                "users.findOne({ name: VALUE });",
            ),
            ("command.injection", "const { exec } = require('child_process');", "exec('ping ' + VALUE);"),
            ("code.injection", "", "eval(VALUE);"),
            ("template.injection", "const ejs = require('ejs');", "res.send(ejs.render(VALUE));"),
            ("path.traversal", "const fs = require('fs');", "fs.readFile('files/' + VALUE, () => {});"),
            ("xss.reflected", "", "res.send('<b>' + VALUE + '</b>');"),
            ("open-redirect", "", "res.redirect(VALUE);"),
            ("ssrf", "const axios = require('axios');", "axios.get(VALUE);"),
            ("xxe", "const libxml = require('libxmljs');", "libxml.parseXml(VALUE, { noent: true });"),
            ("deserialisation", "const { unserialize } = require('node-serialize');", "unserialize(VALUE);"),
            ("regex.injection", "", "new RegExp(VALUE).test('aaaaaaaaaaaaaaaa');"),
            ("prototype.merge", "const _ = require('lodash');", "_.merge({}, VALUE);"),
            (
                "ldap.injection",
                "const client = require('ldapjs').createClient({});",
                "client.search('o=a', { filter: '(uid=' + VALUE + ')' }, () => {});",
            ),
            (
                "xpath.injection",
                "const xpath = require('xpath');",
                "xpath.select('//u[@n=\"' + VALUE + '\"]', doc);",
            ),
            ("log-injection", "", "console.log('signed in: ' + VALUE);"),
        ],
        functions: &[(
            "app.js",
            "IMPORTS\nconst source = (req) => { return SOURCE; };\nfunction sink(value, res) { SINK }\n\
             module.exports = (app) => app.post('/a', (req, res) => { sink(source(req), res); });\n",
        )],
        files: &[
            (
                "app.js",
                "const { source } = require('./source');\nconst { sink } = require('./sink');\n\
                 module.exports = (app) => app.post('/a', (req, res) => { sink(source(req), res); });\n",
            ),
            ("sink.js", "IMPORTS\nexports.sink = function (value, res) { SINK };\n"),
            ("source.js", "exports.source = (req) => { return SOURCE; };\n"),
        ],
        source: "req.body.a",
        constant: "'a'",
    });
}

#[test]
fn typescript() {
    check(&Language {
        classes: &[
            (
                "sql.injection",
                "import { Pool } from 'pg';\nconst db = new Pool();",
                "db.query(`SELECT * FROM u WHERE n = '${VALUE}'`);",
            ),
            (
                "nosql.injection",
                "import { MongoClient } from 'mongodb';\nconst users = new MongoClient('').db('a').collection('u');",
                "users.findOne({ name: VALUE });",
            ),
            (
                "command.injection",
                "import { execSync } from 'node:child_process';",
                "execSync(`ping ${VALUE}`);",
            ),
            ("code.injection", "", "new Function(VALUE)();"),
            ("path.traversal", "import { readFileSync } from 'fs';", "readFileSync(`files/${VALUE}`);"),
            ("xss.reflected", "", "res.send(`<b>${VALUE}</b>`);"),
            ("open-redirect", "", "res.redirect(VALUE);"),
            ("ssrf", "import axios from 'axios';", "axios.get(VALUE);"),
            ("regex.injection", "", "new RegExp(VALUE).test('aaaaaaaaaaaaaaaa');"),
        ],
        functions: &[(
            "app.ts",
            "import { Request, Response } from 'express';\nIMPORTS\nclass Store {\n  sink(value: any, res: Response) { SINK }\n}\n\
             const source = (req: Request): any => { return SOURCE; };\n\
             export const handle = (req: Request, res: Response) => { new Store().sink(source(req), res); };\n",
        )],
        files: &[
            (
                "app.ts",
                "import { Request, Response } from 'express';\nimport { source } from './source';\nimport Store from './store';\n\
                 export const handle = (req: Request, res: Response) => { new Store().sink(source(req), res); };\n",
            ),
            (
                "store.ts",
                "import { Response } from 'express';\nIMPORTS\nexport default class Store {\n  sink(value: any, res: Response) { SINK }\n}\n",
            ),
            (
                "source.ts",
                "import { Request } from 'express';\nexport const source = (req: Request): any => { return SOURCE; };\n",
            ),
        ],
        source: "req.body.a",
        constant: "'a'",
    });
}

#[test]
fn python() {
    check(&Language {
        classes: &[
            (
                "sql.injection",
                "import sqlite3",
                "return str(sqlite3.connect('a').execute('SELECT * FROM u WHERE n = ' + VALUE).fetchall())",
            ),
            (
                "nosql.injection",
                "import json\nfrom pymongo import MongoClient\nusers = MongoClient().a.u",
                "return str(users.find_one({'$where': 'this.n == ' + VALUE}))",
            ),
            ("command.injection", "import os", "return str(os.system('ping ' + VALUE))"),
            ("code.injection", "", "return str(eval(VALUE))"),
            (
                "template.injection",
                "from flask import render_template_string",
                "return render_template_string('<b>' + VALUE)",
            ),
            ("path.traversal", "", "return open('files/' + VALUE).read()"),
            ("xss.reflected", "", "return '<b>' + VALUE + '</b>'"),
            ("open-redirect", "from flask import redirect", "return redirect(VALUE)"),
            ("ssrf", "import requests", "return str(requests.get(VALUE).status_code)"),
            (
                "xxe",
                "from lxml import etree",
                "return str(etree.fromstring(VALUE, etree.XMLParser(resolve_entities=True)))",
            ),
            ("deserialisation", "import pickle", "return str(pickle.loads(VALUE))"),
            ("regex.injection", "import re", "return str(re.match(VALUE, 'aaaaaaaaaaaaaaaa'))"),
            (
                "ldap.injection",
                "import ldap\ndirectory = ldap.initialize('ldap://a')",
                "return str(directory.search_s('o=a', ldap.SCOPE_SUBTREE, '(uid=' + VALUE + ')'))",
            ),
            (
                "xpath.injection",
                "from lxml import etree\ntree = etree.parse('a.xml')",
                "return str(tree.xpath('//u[@n=\"' + VALUE + '\"]'))",
            ),
            ("log-injection", "import logging", "logging.info('signed in: ' + VALUE)\n    return 'ok'"),
            (
                "header-injection",
                "from flask import make_response",
                "answer = make_response('ok')\n    answer.headers['X-A'] = VALUE\n    return answer",
            ),
        ],
        functions: &[(
            "app.py",
            "from flask import Flask, request\nIMPORTS\n\napp = Flask(__name__)\n\n\ndef source():\n    return SOURCE\n\n\n\
             def sink(value):\n    SINK\n\n\n@app.route('/a')\ndef handle():\n    return sink(source())\n",
        )],
        files: &[
            (
                "app.py",
                "from flask import Flask\nfrom shop.sinks import sink\nfrom shop import sources\n\napp = Flask(__name__)\n\n\n\
                 @app.route('/a')\ndef handle():\n    return sink(sources.source())\n",
            ),
            ("shop/__init__.py", ""),
            ("shop/sinks.py", "IMPORTS\n\n\ndef sink(value):\n    SINK\n"),
            ("shop/sources.py", "from flask import request\n\n\ndef source():\n    return SOURCE\n"),
        ],
        source: "request.args['a']",
        constant: "'a'",
    });
}

#[test]
fn java() {
    check(&Language {
        classes: &[
            (
                "sql.injection",
                "import java.sql.*;",
                "DriverManager.getConnection(\"a\").createStatement().executeQuery(\"SELECT * FROM u WHERE n = '\" + VALUE + \"'\");",
            ),
            ("command.injection", "", "Runtime.getRuntime().exec(\"ping \" + VALUE);"),
            ("path.traversal", "import java.io.*;", "new FileInputStream(\"files/\" + VALUE).read();"),
            (
                "xss.reflected",
                "",
                "response.setContentType(\"text/html\");\n        response.getWriter().println(\"<b>\" + VALUE);",
            ),
            ("open-redirect", "", "response.sendRedirect(VALUE);"),
            ("ssrf", "import java.net.*;", "new URL(VALUE).openConnection().getInputStream();"),
            (
                "java.xxe",
                "import javax.xml.parsers.*;\nimport org.xml.sax.InputSource;\nimport java.io.StringReader;",
                "DocumentBuilderFactory.newInstance().newDocumentBuilder().parse(new InputSource(new StringReader(VALUE)));",
            ),
            (
                "ldap.injection",
                "import javax.naming.directory.*;",
                "new InitialDirContext().search(\"o=a\", \"(uid=\" + VALUE + \")\", new SearchControls());",
            ),
            (
                "xpath.injection",
                "import javax.xml.xpath.*;",
                "XPathFactory.newInstance().newXPath().evaluate(\"//u[@n='\" + VALUE + \"']\", new Object());",
            ),
            (
                "code.injection",
                "import javax.script.*;",
                "new ScriptEngineManager().getEngineByName(\"js\").eval(VALUE);",
            ),
            (
                "deserialisation",
                "import java.io.*;\nimport java.util.Base64;",
                "new ObjectInputStream(new ByteArrayInputStream(Base64.getDecoder().decode(VALUE))).readObject();",
            ),
            (
                "regex.injection",
                "import java.util.regex.Pattern;",
                "Pattern.compile(VALUE).matcher(\"aaaaaaaaaaaaaaaa\").matches();",
            ),
            (
                "java.log-injection",
                "import org.slf4j.*;",
                "LoggerFactory.getLogger(\"a\").info(\"signed in: \" + VALUE);",
            ),
            ("java.header-injection", "", "response.setHeader(\"X-A\", VALUE);"),
            ("java.trust-boundary", "", "request.getSession().setAttribute(\"user\", VALUE);"),
        ],
        functions: &[(
            "shop/Page.java",
            "package shop;\nimport javax.servlet.http.*;\nIMPORTS\npublic class Page extends HttpServlet {\n    \
             @Override\n    public void doPost(HttpServletRequest request, HttpServletResponse response) throws Exception {\n        \
             sink(source(request), request, response);\n    }\n    private static String source(HttpServletRequest request) {\n        \
             return SOURCE;\n    }\n    private void sink(String value, HttpServletRequest request, HttpServletResponse response) throws Exception {\n        \
             SINK\n    }\n}\n",
        )],
        files: &[
            (
                "shop/Page.java",
                "package shop;\nimport javax.servlet.http.*;\nimport shop.data.Store;\npublic class Page extends HttpServlet {\n    \
                 private final Store store = new Store();\n    @Override\n    public void doPost(HttpServletRequest request, HttpServletResponse response) throws Exception {\n        \
                 store.sink(Source.of(request), request, response);\n    }\n}\n",
            ),
            (
                "shop/Source.java",
                "package shop;\nimport javax.servlet.http.*;\nclass Source {\n    static String of(HttpServletRequest request) {\n        return SOURCE;\n    }\n}\n",
            ),
            (
                "shop/data/Store.java",
                "package shop.data;\nimport javax.servlet.http.*;\nIMPORTS\npublic class Store {\n    \
                 public void sink(String value, HttpServletRequest request, HttpServletResponse response) throws Exception {\n        SINK\n    }\n}\n",
            ),
        ],
        source: "request.getParameter(\"a\")",
        constant: "\"a\"",
    });
}

#[test]
fn go() {
    check(&Language {
        classes: &[
            (
                "sql.injection",
                "import \"database/sql\"\nvar db *sql.DB",
                "db.Query(\"SELECT * FROM u WHERE n = '\" + VALUE + \"'\")",
            ),
            (
                "command.injection",
                "import \"os/exec\"",
                "exec.Command(\"sh\", \"-c\", \"ping \"+VALUE).Run()",
            ),
            ("path.traversal", "import \"os\"", "os.ReadFile(\"files/\" + VALUE)"),
            (
                "xss.reflected",
                "import \"fmt\"",
                "w.Header().Set(\"Content-Type\", \"text/html\")\n\tfmt.Fprintf(w, \"<b>%s</b>\", VALUE)",
            ),
            ("open-redirect", "", "http.Redirect(w, r, VALUE, 302)"),
            ("ssrf", "", "http.Get(VALUE)"),
            ("template.injection", "import \"text/template\"", "template.New(\"a\").Parse(VALUE)"),
            (
                "ldap.injection",
                "import \"github.com/go-ldap/ldap/v3\"",
                "ldap.NewSearchRequest(\"o=a\", 2, 0, 0, 0, false, \"(uid=\"+VALUE+\")\", nil, nil)",
            ),
            (
                "xpath.injection",
                "import \"github.com/antchfx/xmlquery\"\nvar doc *xmlquery.Node",
                "xmlquery.Find(doc, \"//u[@n='\"+VALUE+\"']\")",
            ),
        ],
        functions: &[(
            "shop/app.go",
            "package shop\nimport \"net/http\"\nIMPORTS\nfunc source(r *http.Request) string {\n\treturn SOURCE\n}\n\
             func sink(value string, w http.ResponseWriter, r *http.Request) {\n\tSINK\n}\n\
             func Handle(w http.ResponseWriter, r *http.Request) {\n\tsink(source(r), w, r)\n}\n",
        )],
        files: &[
            (
                "app.go",
                "package main\nimport (\n\t\"net/http\"\n\t\"example.com/shop/data\"\n)\n\
                 func Handle(w http.ResponseWriter, r *http.Request) {\n\tdata.Sink(source(r), w, r)\n}\n",
            ),
            (
                "source.go",
                "package main\nimport \"net/http\"\nfunc source(r *http.Request) string {\n\treturn SOURCE\n}\n",
            ),
            (
                "data/sink.go",
                "package data\nimport \"net/http\"\nIMPORTS\nfunc Sink(value string, w http.ResponseWriter, r *http.Request) {\n\tSINK\n}\n",
            ),
        ],
        source: "r.URL.Query().Get(\"a\")",
        constant: "\"a\"",
    });
}

#[test]
fn rust() {
    check(&Language {
        classes: &[
            (
                "sql.injection",
                "use rusqlite::Connection;",
                "let db = Connection::open(\"a\").unwrap();\n    db.execute(&format!(\"DELETE FROM u WHERE n = '{value}'\"), []).unwrap();\n    String::new()",
            ),
            (
                "command.injection",
                "use std::process::Command;",
                "Command::new(\"sh\").arg(\"-c\").arg(format!(\"ping {value}\")).status().unwrap();\n    String::new()",
            ),
            ("path.traversal", "use std::fs;", "fs::read_to_string(format!(\"files/{value}\")).unwrap()"),
            ("ssrf", "", "reqwest::blocking::get(value).unwrap().text().unwrap()"),
            (
                "template.injection",
                "use tera::{Context, Tera};",
                "Tera::one_off(&value, &Context::new(), true).unwrap()",
            ),
        ],
        functions: &[(
            "src/main.rs",
            "use std::collections::HashMap;\nuse axum::extract::Query;\nuse axum::{Router, routing::get};\nIMPORTS\n\
             fn source(query: HashMap<String, String>) -> String {\n    SOURCE\n}\nfn sink(value: String) -> String {\n    SINK\n}\n\
             async fn handle(Query(query): Query<HashMap<String, String>>) -> String {\n    sink(source(query))\n}\n\
             fn main() {\n    let _app: Router = Router::new().route(\"/a\", get(handle));\n}\n",
        )],
        files: &[
            (
                "src/main.rs",
                "mod sinks;\nmod sources;\nuse std::collections::HashMap;\nuse axum::extract::Query;\nuse axum::{Router, routing::get};\n\
                 async fn handle(Query(query): Query<HashMap<String, String>>) -> String {\n    sinks::sink(sources::source(query))\n}\n\
                 fn main() {\n    let _app: Router = Router::new().route(\"/a\", get(handle));\n}\n",
            ),
            ("src/sinks.rs", "IMPORTS\npub fn sink(value: String) -> String {\n    SINK\n}\n"),
            (
                "src/sources.rs",
                "use std::collections::HashMap;\npub fn source(query: HashMap<String, String>) -> String {\n    SOURCE\n}\n",
            ),
        ],
        source: "query[\"a\"].clone()",
        constant: "\"a\".to_owned()",
    });
}
