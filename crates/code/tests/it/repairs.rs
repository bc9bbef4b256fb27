//! Changes that findings propose: after them the finding is gone and the file is still read.

use gabion_finding::{Finding, Fix, Span};

use crate::world::{scan, scanner};

/// What stands in the file once the change is made.
fn changed(text: &str, fix: &Fix) -> String {
    let (mut after, mut at) = (String::new(), 0);
    for edit in &fix.edits {
        after.push_str(Span::new(at, edit.span.start).of(text));
        after.push_str(&edit.text);
        at = edit.span.end;
    }
    after + Span::new(at, u32::try_from(text.len()).unwrap()).of(text)
}

/// What a rule finds in a file that is read whole.
fn found(rule: &str, file: &str, text: &str) -> Vec<Finding> {
    let verdict = scan(scanner(), &[(file, text)]);
    assert!(verdict.unread.is_empty(), "{rule}: {:?}\n{text}", verdict.unread);
    verdict.findings.into_iter().filter(|finding| finding.rule.as_str() == rule).collect()
}

const TAR: &str = "import tarfile\nwith tarfile.open(p) as a:\n    ";
const YAML: &str = "import yaml\n";
const SSL: &str = "import ssl\nc = ssl.create_default_context()\n";
const APP: &str =
    "const express = require('express');\nconst app = express();\napp.get('/', (req, res) => {\n  ";
const SESSION: &str = "const session = require('express-session');\n";
const GO: &str =
    "package a\n\nimport (\n\t\"crypto/tls\"\n\t\"net/http\"\n\n\t\"golang.org/x/crypto/bcrypt\"\n)\n\n";

/// Rule, file, what stands before all, the line, and the line after the change; the same: nothing is proposed.
const CASES: &[(&str, &str, &str, &str, &str)] = &[
    ("python.yaml-load", "a.py", YAML, "yaml.load(f)", "yaml.safe_load(f)"),
    ("python.yaml-load", "a.py", YAML, "yaml.load(f, Loader=yaml.Loader)", "yaml.safe_load(f)"),
    ("python.yaml-load", "a.py", YAML, "yaml.load(f, yaml.UnsafeLoader)", "yaml.safe_load(f)"),
    (
        "python.yaml-load",
        "a.py",
        YAML,
        "yaml.load_all(stream=f, Loader=yaml.CLoader)",
        "yaml.safe_load_all(stream=f)",
    ),
    ("python.yaml-load", "a.py", YAML, "yaml.unsafe_load(\n    f,\n)", "yaml.safe_load(\n    f,\n)"),
    ("python.yaml-load", "a.py", "import yaml as y\n", "y.unsafe_load_all(f)", "y.safe_load_all(f)"),
    ("python.yaml-load", "a.py", "from yaml import load\n", "load(f)", "load(f)"),
    ("python.yaml-load", "a.py", YAML, "read = yaml.load\nread(f)", "read = yaml.load\nread(f)"),
    (
        "python.shell-list",
        "a.py",
        "import subprocess as s\n",
        "s.run(['ls', p], shell=True)",
        "s.run(['ls', p], shell=False)",
    ),
    (
        "python.shell-list",
        "a.py",
        "import subprocess as s\n",
        "s.run(['ls -l | wc'], shell=True)",
        "s.run(['ls -l | wc'], shell=True)",
    ),
    (
        "tls.unverified",
        "a.py",
        "import requests\n",
        "requests.get(u, verify=False, timeout=3)",
        "requests.get(u, verify=True, timeout=3)",
    ),
    (
        "tls.unverified",
        "a.py",
        "import requests\n",
        "no = False\nrequests.get(u, verify=no)",
        "no = False\nrequests.get(u, verify=no)",
    ),
    (
        "tls.unverified",
        "a.js",
        "const https = require('https');\n",
        "https.get(u, { rejectUnauthorized: false }, f);",
        "https.get(u, { rejectUnauthorized: true }, f);",
    ),
    (
        "tls.unverified",
        "a.ts",
        "import https from 'https';\n",
        "new https.Agent({ keepAlive: true, rejectUnauthorized: false });",
        "new https.Agent({ keepAlive: true, rejectUnauthorized: true });",
    ),
    (
        "tls.unverified",
        "a.js",
        "const https = require('https');\nconst rejectUnauthorized = false;\n",
        "new https.Agent({ rejectUnauthorized });",
        "new https.Agent({ rejectUnauthorized });",
    ),
    (
        "tls.unverified",
        "a.js",
        "const https = require('https');\nconst o = { rejectUnauthorized: false };\n",
        "new https.Agent(o);",
        "new https.Agent(o);",
    ),
    (
        "tls.unverified",
        "a.go",
        GO,
        "var c = &tls.Config{ServerName: \"a\", InsecureSkipVerify: true}",
        "var c = &tls.Config{ServerName: \"a\", InsecureSkipVerify: false}",
    ),
    (
        "tls.unverified",
        "a.rs",
        "",
        "fn f() { reqwest::Client::builder().danger_accept_invalid_certs(true).build(); }",
        "fn f() { reqwest::Client::builder().danger_accept_invalid_certs(false).build(); }",
    ),
    (
        "tls.reject-unauthorized-false",
        "a.js",
        "",
        "process.env.NODE_TLS_REJECT_UNAUTHORIZED = '0';",
        "process.env.NODE_TLS_REJECT_UNAUTHORIZED = '1';",
    ),
    (
        "tls.reject-unauthorized-false",
        "a.js",
        "",
        "process.env['NODE_TLS_REJECT_UNAUTHORIZED'] = 0;",
        "process.env['NODE_TLS_REJECT_UNAUTHORIZED'] = '1';",
    ),
    (
        "tls.min-version",
        "a.js",
        "const https = require('https');\n",
        "https.createServer({ key, minVersion: 'TLSv1.1' }, f);",
        "https.createServer({ key, minVersion: 'TLSv1.2' }, f);",
    ),
    (
        "go.tls.old-version",
        "a.go",
        GO,
        "var c = tls.Config{MinVersion: tls.VersionTLS11}",
        "var c = tls.Config{MinVersion: tls.VersionTLS12}",
    ),
    (
        "go.cookie.open",
        "a.go",
        GO,
        "func f(w http.ResponseWriter, v string) {\n\thttp.SetCookie(w, &http.Cookie{\n\t\tName:  \"session\",\n\t\tValue: v,\n\t})\n}",
        "func f(w http.ResponseWriter, v string) {\n\thttp.SetCookie(w, &http.Cookie{HttpOnly: true, \n\t\tName:  \"session\",\n\t\tValue: v,\n\t})\n}",
    ),
    (
        "auth.bcrypt.rounds",
        "a.go",
        GO,
        "func f(p []byte) ([]byte, error) { return bcrypt.GenerateFromPassword(p, bcrypt.MinCost) }",
        "func f(p []byte) ([]byte, error) { return bcrypt.GenerateFromPassword(p, bcrypt.DefaultCost) }",
    ),
    (
        "auth.bcrypt.rounds",
        "a.js",
        "const bcrypt = require('bcrypt');\n",
        "bcrypt.hash(password, 4);",
        "bcrypt.hash(password, 12);",
    ),
    (
        "auth.bcrypt.rounds",
        "a.ts",
        "import bcrypt from 'bcryptjs';\n",
        "const salt = bcrypt.genSaltSync(5);",
        "const salt = bcrypt.genSaltSync(12);",
    ),
    (
        "auth.bcrypt.rounds",
        "a.rs",
        "",
        "fn f(p: &str) -> Option<String> { bcrypt::hash(p, 4).ok() }",
        "fn f(p: &str) -> Option<String> { bcrypt::hash(p, 12).ok() }",
    ),
    (
        "crypto.rsa.small",
        "a.js",
        "const crypto = require('crypto');\n",
        "crypto.generateKeyPairSync('rsa', { modulusLength: 1024 });",
        "crypto.generateKeyPairSync('rsa', { modulusLength: 3072 });",
    ),
    (
        "crypto.rsa.small",
        "a.go",
        "package a\n\nimport (\n\t\"crypto/rand\"\n\t\"crypto/rsa\"\n)\n\n",
        "var k, _ = rsa.GenerateKey(rand.Reader, 1024)",
        "var k, _ = rsa.GenerateKey(rand.Reader, 3072)",
    ),
    (
        "crypto.rsa.small",
        "a.rs",
        "use rsa::RsaPrivateKey;\n",
        "fn f() { RsaPrivateKey::new(&mut rng(), 1024); }",
        "fn f() { RsaPrivateKey::new(&mut rng(), 3072); }",
    ),
    (
        "java.rsa-small",
        "A.java",
        "import java.security.*;\n",
        "class A { void f() throws Exception { KeyPairGenerator g = KeyPairGenerator.getInstance(\"RSA\"); g.initialize(1024); } }",
        "class A { void f() throws Exception { KeyPairGenerator g = KeyPairGenerator.getInstance(\"RSA\"); g.initialize(3072); } }",
    ),
    (
        "spring.password-encoder",
        "A.java",
        "import org.springframework.security.crypto.bcrypt.BCryptPasswordEncoder;\n",
        "class A { Object f() { return new BCryptPasswordEncoder(4); } }",
        "class A { Object f() { return new BCryptPasswordEncoder(12); } }",
    ),
    (
        "spring.error-details",
        "application.properties",
        "a=b\n",
        "server.error.include-stacktrace = always",
        "server.error.include-stacktrace = never",
    ),
    (
        "spring.console-open",
        "application.properties",
        "",
        "spring.h2.console.enabled:true",
        "spring.h2.console.enabled:false",
    ),
    (
        "spring.actuator-exposed",
        "application.properties",
        "",
        "management.endpoint.shutdown.enabled=true",
        "management.endpoint.shutdown.enabled=false",
    ),
    (
        "spring.console-open",
        "application.properties",
        "",
        "spring.h2.console.enabled=\\\n  true",
        "spring.h2.console.enabled=\\\n  true",
    ),
    (
        "auth.totp.window",
        "a.js",
        "const speakeasy = require('speakeasy');\n",
        "speakeasy.totp.verify({ secret, token, window: 6 });",
        "speakeasy.totp.verify({ secret, token, window: 1 });",
    ),
    (
        "header.x-xss-protection-1",
        "a.js",
        "",
        "module.exports = (req, res) => { res.setHeader('X-XSS-Protection', '1; mode=block'); };",
        "module.exports = (req, res) => { res.setHeader('X-XSS-Protection', '0'); };",
    ),
    (
        "flask.debug",
        "a.py",
        "from flask import Flask\napp = Flask(__name__)\n",
        "app.run(host='x', debug=True)",
        "app.run(host='x', debug=False)",
    ),
    ("python.archive", "a.py", TAR, "a.extractall('x')", "a.extractall('x', filter=\"data\")"),
    ("python.archive", "a.py", TAR, "a.extractall()", "a.extractall(filter=\"data\")"),
    ("python.archive", "a.py", TAR, "a.extractall((x))", "a.extractall((x))"),
    ("python.tls-context", "a.py", SSL, "c.check_hostname = False", "c.check_hostname = True"),
    ("python.tls-context", "a.py", SSL, "c.verify_mode = ssl.CERT_NONE", "c.verify_mode = ssl.CERT_REQUIRED"),
    (
        "python.tls-context",
        "a.py",
        "import ssl\n",
        "ssl._create_default_https_context = ssl._create_unverified_context",
        "ssl._create_default_https_context = ssl.create_default_context",
    ),
    (
        "python.tls-context",
        "a.py",
        "import requests\ns = requests.Session()\n",
        "s.verify = False",
        "s.verify = True",
    ),
    (
        "python.session-cookie",
        "settings.py",
        "",
        "SESSION_COOKIE_HTTPONLY = False",
        "SESSION_COOKIE_HTTPONLY = True",
    ),
    (
        "python.session-cookie",
        "settings.py",
        "",
        "SESSION_COOKIE_SECURE = False",
        "SESSION_COOKIE_SECURE = False",
    ),
    (
        "cookie.no-httponly",
        "a.js",
        APP,
        "res.cookie('session', v, { httpOnly: false, secure: true });\n});",
        "res.cookie('session', v, { httpOnly: true, secure: true });\n});",
    ),
    (
        "cookie.no-httponly",
        "a.js",
        APP,
        "res.cookie('session', v, { secure: true });\n});",
        "res.cookie('session', v, { httpOnly: true, secure: true });\n});",
    ),
    (
        "cookie.no-httponly",
        "a.js",
        APP,
        "res.cookie('session', v, {});\n});",
        "res.cookie('session', v, { httpOnly: true });\n});",
    ),
    (
        "cookie.no-httponly",
        "a.js",
        APP,
        "res.cookie('session', v);\n});",
        "res.cookie('session', v, { httpOnly: true });\n});",
    ),
    (
        "cookie.no-httponly",
        "a.js",
        APP,
        "res.cookie('session', (v));\n});",
        "res.cookie('session', (v));\n});",
    ),
    (
        "cookie.no-httponly",
        "a.js",
        SESSION,
        "session({ secret: s(), cookie: { httpOnly: false } });",
        "session({ secret: s(), cookie: { httpOnly: true } });",
    ),
    (
        "express.session.save-uninitialized",
        "a.js",
        SESSION,
        "session({ secret: s(), saveUninitialized: true });",
        "session({ secret: s(), saveUninitialized: false });",
    ),
];

#[test]
fn a_change_repairs_what_was_found_and_nothing_else() {
    let mut wrong = Vec::new();
    for (rule, file, head, line, expected) in CASES {
        let text = format!("{head}{line}\n");
        let findings = found(rule, file, &text);
        let Some(finding) = findings.first() else {
            wrong.push(format!("{rule}: not found in\n{text}"));
            continue;
        };
        let after = finding.fix.as_ref().map_or_else(|| text.clone(), |fix| changed(&text, fix));
        if after != format!("{head}{expected}\n") {
            wrong.push(format!("{rule}: became\n{after}"));
        } else if line != expected && !found(rule, file, &after).is_empty() {
            wrong.push(format!("{rule}: is still found in\n{after}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn changes_of_examples_repair_them() {
    let mut rules = Vec::new();
    for rule in gabion_finding::Scanner::rules(scanner()) {
        for example in &rule.examples {
            let beside = example.beside.iter().map(|(name, text)| (name.as_str(), text.as_str()));
            let beside: Vec<(&str, &str)> = beside.collect();
            let look = |text: &str| {
                let mut files = beside.clone();
                files.push((&example.file, text));
                let verdict = scan(scanner(), &files);
                assert!(verdict.unread.is_empty(), "{}: {:?}\n{text}", rule.id, verdict.unread);
                let own = verdict.findings.into_iter().filter(|finding| finding.rule == rule.id);
                own.filter(|finding| *finding.place.path == *example.file).collect::<Vec<_>>()
            };
            let mut text = example.vulnerable.clone();
            let mut left = look(&text);
            // One after the other, as whoever runs it again does.
            while let Some(fix) = left.iter().find_map(|finding| finding.fix.clone()) {
                text = changed(&text, &fix);
                let next = look(&text);
                assert!(next.len() < left.len(), "{} is not repaired by `{}`:\n{text}", rule.id, fix.says);
                left = next;
                rules.push(rule.id.as_str());
            }
        }
    }
    rules.dedup();
    assert!(rules.len() >= 20, "{} rules repair an example: {rules:?}", rules.len());
}
