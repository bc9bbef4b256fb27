//! Rules about accounts: harmless code that looks like what they are for, and forms of it that their examples do not have.

use crate::world::{scan, scanner};

/// The rules of this theme that find something, whatever their confidence, as `rule line`.
fn told(files: &[(&str, &str)]) -> Vec<String> {
    let verdict = scan(scanner(), files);
    let own = [
        "apikey.",
        "audit.",
        "auth.",
        "authz.client",
        "authz.default",
        "fastapi.",
        "log.auth",
        "oauth.re",
        "validation.",
    ];
    let mut found: Vec<String> = verdict
        .findings
        .iter()
        .filter(|finding| own.iter().any(|start| finding.rule.as_str().starts_with(start)))
        .map(|finding| format!("{} {}", finding.rule, finding.place.start.line))
        .collect();
    found.sort();
    found
}

fn check(cases: &[(&str, &str, &str)]) {
    let mut wrong = Vec::new();
    for (file, code, expected) in cases {
        let found = told(&[(file, code)]).join(", ");
        if found != *expected {
            wrong.push(format!("{code}\n    expected {expected:?}, found {found:?}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn guards_that_end_with_yes_are_no_list_of_what_is_forbidden() {
    check(&[
        (
            "a.py",
            "def is_allowed(user, action):\n    if user is None:\n        return False\n    if action.owner != user:\n        return False\n    return True\n",
            "",
        ),
        (
            "b.py",
            "def is_allowed(user, action):\n    if action == 'read':\n        return True\n    return user.is_admin\n",
            "",
        ),
        ("c.py", "def columns(role):\n    if role == 'guest':\n        return False\n    return True\n", ""),
        (
            "d.py",
            "def can_edit(user):\n    if user.role == 'guest':\n        return False\n    return True\n",
            "authz.default-allow 4",
        ),
        (
            "e.py",
            "def has_access(user, resource):\n    if resource == 'logs' and not user.admin:\n        return False\n    elif resource == 'bills':\n        return user.billing\n    else:\n        return True\n",
            "authz.default-allow 7",
        ),
        (
            "f.ts",
            "export function canSee(role: string) {\n  switch (role) {\n    case 'guest': return false;\n    case 'user': return true;\n  }\n  return true;\n}\n",
            "authz.default-allow 6",
        ),
        (
            "g.ts",
            "export function canSee(kind: Shape) {\n  switch (kind) {\n    case Shape.Round: return false;\n    default: return true;\n  }\n}\n",
            "",
        ),
        (
            "H.java",
            "class H { boolean isAllowed(Role role) { switch (role) { case GUEST: return false; default: return true; } } }",
            "authz.default-allow 1",
        ),
        (
            "i.go",
            "package a\nfunc IsAllowed(role string) bool {\n\tif role == \"guest\" {\n\t\treturn false\n\t}\n\treturn true\n}\n",
            "authz.default-allow 6",
        ),
        (
            "j.rs",
            "fn can_delete(role: &str) -> bool { if role == \"guest\" { return false; } matches!(role, \"admin\") }",
            "",
        ),
    ]);
}

#[test]
fn keys_that_are_hashed_or_are_none() {
    let head = "import hashlib, secrets, uuid\nfrom shop.models import Client, session\n";
    let python = |code: &str| format!("{head}def add(name):\n    {code}\n");
    check(&[
        ("a.py", &python("session.add(Client(id=uuid.uuid4(), name=name, number=secrets.token_hex(8)))"), ""),
        ("b.py", &python("session.add(Client(api_key=hash_key('shop_' + secrets.token_hex(24))))"), ""),
        (
            "c.py",
            &python("session.add(Client(api_key='shop_' + str(uuid.uuid4())))"),
            "apikey.plaintext-store 4",
        ),
        (
            "stored.py",
            "import secrets\ndef f(db, settings):\n    db.query(1).update(secrets.token_hex(8))\n    settings.update({'name': secrets.token_hex(8)})\n",
            "",
        ),
        (
            "d.js",
            "const { nanoid } = require('nanoid');\nconst { Client } = require('./models');\nexports.add = () => Client.create({ apiKey: nanoid(), name: 'x' });\n",
            "apikey.no-prefix 3, apikey.plaintext-store 3",
        ),
        (
            "e.js",
            "const crypto = require('crypto');\nconst cache = new Map();\nexports.f = (x) => crypto.createHash('sha256').update(crypto.randomBytes(8)).digest('hex');\nexports.g = () => cache.set('apiKey', crypto.randomUUID());\n",
            "",
        ),
    ]);
}

#[test]
fn bare_handlers_that_guard_nothing() {
    let body = |name: &str, inner: &str, end: &str| {
        format!(
            "import jwt\ndef {name}(token, key):\n    try:\n        return {inner}\n    {end}\n        raise ValueError\n"
        )
    };
    check(&[
        (
            "a.py",
            &body("verify_token", "jwt.decode(token, key, algorithms=['ES256'])", "except:"),
            "fastapi.auth.bare-except 5",
        ),
        (
            "b.py",
            &body("verify_token", "jwt.decode(token, key, algorithms=['ES256'])", "except BaseException:"),
            "fastapi.auth.bare-except 5",
        ),
        (
            "c.py",
            &body("verify_token", "jwt.decode(token, key, algorithms=['ES256'])", "except Exception:"),
            "",
        ),
        ("d.py", &body("get_user_name", "token.name.strip()", "except:"), ""),
        (
            "e.py",
            "import jwt\ndef verify_token(token, key):\n    try:\n        return jwt.decode(token, key, algorithms=['ES256'])\n    except:\n        print('failed')\n        raise\n",
            "",
        ),
    ]);
}

#[test]
fn texts_of_queries_and_pages_are_no_lists_of_bad_words() {
    let route = |code: &str| {
        format!(
            "const express = require('express');\nconst app = express();\napp.get('/x', (req, res) => {{\n  {code}\n}});\n"
        )
    };
    check(&[
        ("a.js", &route("if (/^(select|insert)$/i.test(req.query.kind)) res.send('1');"), ""),
        ("b.js", &route("if (/(small|medium|large)/.test(req.query.size)) res.send('1');"), ""),
        ("c.js", &route("res.json(req.query.q.replace(/[<>]/g, (c) => `&#${c.charCodeAt(0)};`));"), ""),
        ("d.js", &route("res.json(req.query.q.replace('<script>', ''));"), "validation.denylist 4"),
        (
            "e.js",
            &route("if (req.query.q.toLowerCase().includes('drop table')) res.json(1);"),
            "validation.denylist 4",
        ),
        (
            "f.js",
            "const KEYWORDS = /\\b(select|union|drop|insert)\\b/gi;\nexports.paint = (text) => text.replace(KEYWORDS, '<b>$1</b>');\n",
            "",
        ),
    ]);
}

#[test]
fn only_one_place_speaks_of_lengths() {
    check(&[
        (
            "a.ts",
            "import { z } from 'zod';\nexport const a = z.object({ title: z.string() });\nexport const b = z.object({ title: z.string(), text: z.string().min(3) });\n",
            "validation.unbounded-string 2",
        ),
        (
            "b.ts",
            "import { z } from 'zod';\nconst text = z.string().max(10);\nexport const a = z.object({ title: text, body: z.enum(['a', 'b']), note: z.string().regex(/^[a-z]{1,9}$/) });\n",
            "",
        ),
        (
            "c.ts",
            "import { z } from 'zod';\nexport const a = z.object({ password: z.string().min(12).regex(/^.{12,72}$/) });\n",
            "",
        ),
        (
            "d.py",
            "from django import forms\nclass Post(forms.Form):\n    title = forms.CharField(max_length=80)\n    kind = forms.CharField()\n",
            "",
        ),
        (
            "e.py",
            "from django import forms\nclass Post(forms.Form):\n    comment = forms.CharField(widget=forms.Textarea)\n",
            "validation.unbounded-string 3",
        ),
    ]);
}

#[test]
fn codes_of_other_things_may_be_drawn_elsewhere() {
    check(&[
        (
            "a.js",
            "exports.menu = (url) => `https://api.qrserver.com/v1/create-qr-code/?data=${encodeURIComponent(url)}`;\n",
            "",
        ),
        ("b.py", "import pyotp\nHELP = 'see https://quickchart.io/documentation'\n", ""),
        (
            "c.ts",
            "const otp = (secret: string) => `otpauth://totp/shop?secret=${secret}`;\nexport const picture = (secret: string) => 'https://quickchart.io/qr?text=' + encodeURIComponent(otp(secret));\n",
            "auth.totp.secret-in-qr-service 2",
        ),
    ]);
}

#[test]
fn addresses_that_are_held_against_known_ones() {
    let route = |code: &str| {
        format!(
            "const express = require('express');\nconst {{ client }} = require('./clients');\nconst app = express();\napp.get('/authorize', (req, res) => {{\n  const {{ redirect_uri }} = req.query;\n  {code}\n  res.end();\n}});\n"
        )
    };
    check(&[
        ("a.js", &route("if (!client.uris.includes(redirect_uri)) return res.sendStatus(400);"), ""),
        (
            "b.js",
            &route(
                "if (!req.query.redirect_uri.startsWith('https://app.example.com')) return res.sendStatus(400);",
            ),
            "oauth.redirect-uri.unvalidated 6",
        ),
        (
            "c.js",
            &route(
                "if (!req.query.redirect_uri.startsWith('https://app.example.com/')) return res.sendStatus(400);",
            ),
            "",
        ),
        ("d.js", &route("if (req.query.redirect_uri.includes('#')) return res.sendStatus(400);"), ""),
    ]);
}
