//! What an application as a whole lacks: said once, not where any file shows the other, not of tests, not where another rule says it.

use gabion_code::CodeScanner;

use crate::world::{scan, scanner};

/// Every finding of these rules, however sure, as `rule path:line`.
fn said(rules: &[&str], files: &[(&str, &str)]) -> Vec<String> {
    of(scanner(), rules, files)
}

fn of(scanner: &CodeScanner, rules: &[&str], files: &[(&str, &str)]) -> Vec<String> {
    let verdict = scan(scanner, files);
    let found =
        verdict.findings.iter().filter(|one| rules.iter().any(|rule| one.rule.as_str().starts_with(rule)));
    let mut lines: Vec<String> =
        found.map(|one| format!("{} {}:{}", one.rule, one.place.path, one.place.start.line)).collect();
    lines.sort();
    lines
}

const SETS: &str = "exports.protect = (req, res, next) => {
  res.setHeader('X-Content-Type-Options', 'nosniff');
  res.setHeader('X-Frame-Options', 'DENY');
  res.setHeader('Referrer-Policy', 'no-referrer');
  next();
};
";

#[test]
fn a_header_that_is_missing_is_said_once_and_not_where_any_file_sets_it() {
    let headers = ["hsts.", "header."];
    assert_eq!(
        said(&headers, &[("a.js", SETS), ("b.js", SETS), ("deep/c.js", SETS)]),
        ["hsts.missing a.js:2"]
    );
    let other = "exports.tls = (res) => res.set({ 'strict-transport-security': 'max-age=31536000' });\n";
    assert_eq!(said(&headers, &[("a.js", SETS), ("deep/tls.js", other)]), [""; 0]);
    // A library that sets all of them, by its import or as a dependency alone.
    let helmet = "module.exports = (app) => app.use(require('helmet')());\n";
    assert_eq!(said(&headers, &[("a.js", SETS), ("server.js", helmet)]), [""; 0]);
    let package = "{\"name\": \"a\", \"dependencies\": {\"@fastify/helmet\": \"^13.0.0\"}}";
    assert_eq!(said(&headers, &[("a.js", SETS), ("package.json", package)]), [""; 0]);
    // Heads of pages of React are called so too.
    let head = "import { Helmet } from 'react-helmet';\nexport const Head = () => Helmet;\n";
    assert_eq!(said(&headers, &[("a.js", SETS), ("head.js", head)]), ["hsts.missing a.js:2"]);
}

#[test]
fn a_single_header_for_a_download_is_no_set_of_headers() {
    let one =
        "exports.file = (req, res) => {\n  res.set('X-Content-Type-Options', 'nosniff');\n  res.end();\n};\n";
    assert_eq!(said(&["hsts.", "header."], &[("a.js", one)]), [""; 0]);
    assert_eq!(said(&["hsts.", "header."], &[("tests/a.js", SETS), ("b.test.js", SETS)]), [""; 0]);
}

#[test]
fn two_applications_of_one_tree_are_judged_each_by_itself() {
    let package = "{\"name\": \"a\"}";
    let tls = "exports.tls = (res) => res.setHeader('Strict-Transport-Security', 'max-age=31536000');\n";
    let files = [
        ("one/package.json", package),
        ("one/a.js", SETS),
        ("two/package.json", package),
        ("two/a.js", SETS),
        ("two/tls.js", tls),
    ];
    assert_eq!(said(&["hsts."], &files), ["hsts.missing one/a.js:2"]);
}

#[test]
fn helmet_and_single_headers_do_not_speak_of_the_same_application() {
    let app =
        "const express = require('express');\nconst app = express();\napp.use(require('./a').protect);\n";
    let rules = ["hsts.", "header.", "express.helmet.missing"];
    assert_eq!(said(&rules, &[("a.js", SETS), ("app.js", app)]), ["hsts.missing a.js:2"]);
    assert_eq!(said(&rules, &[("app.js", app)]), ["express.helmet.missing app.js:2"]);
}

#[test]
fn calls_without_an_end_are_said_once_in_each_file_where_nothing_else_may_bring_it() {
    let timeout = ["http.client.no-timeout"];
    let many =
        "import requests\nrequests.get('https://a.example.com')\nrequests.post('https://b.example.com')\n";
    assert_eq!(
        said(&timeout, &[("a.py", many), ("b.py", many)]),
        ["http.client.no-timeout a.py:2", "http.client.no-timeout b.py:2"]
    );
    for harmless in [
        "import requests\nLIMITS = {'timeout': 5}\nrequests.get('https://a.example.com', **LIMITS)\n",
        "import requests\ndef get(address, *more, **options):\n    return requests.get(address, *more, **options)\n",
        "import requests\nimport socket\nsocket.setdefaulttimeout(5)\nrequests.get('https://a.example.com')\n",
        "import httpx\nhttpx.get('https://a.example.com')\n",
    ] {
        assert_eq!(said(&timeout, &[("a.py", harmless)]), [""; 0], "{harmless}");
    }
    for harmless in [
        "const axios = require('axios');\nexports.get = (u, o) => axios.get(u, o);\n",
        "const axios = require('axios');\nexports.get = (u, o) => axios.get(u, { ...o, headers: {} });\n",
        "import axios from 'axios';\nimport { createRoot } from 'react-dom/client';\naxios.get('/me').then(createRoot);\n",
    ] {
        assert_eq!(said(&timeout, &[("a.js", harmless)]), [""; 0], "{harmless}");
    }
}

#[test]
fn redirects_matter_only_where_the_address_was_checked() {
    let rule = ["http.client.follow-redirects"];
    let unchecked = "import requests\n\ndef fetch(address):\n    return requests.get(address, timeout=5)\n";
    assert_eq!(said(&rule, &[("a.py", unchecked)]), [""; 0]);
    // Checked in a function of the same file that has nothing to do with it.
    let elsewhere = format!("{unchecked}\n\ndef own(ip):\n    return ip.is_private\n");
    assert_eq!(said(&rule, &[("a.py", &elsewhere)]), [""; 0]);
    let checked = "import ipaddress\nimport requests\n\ndef send(address, ip):\n    if ipaddress.ip_address(ip).is_private:\n        return None\n    return fetch(address)\n\n\ndef fetch(address):\n    return requests.get(address, timeout=5)\n";
    assert_eq!(said(&rule, &[("a.py", checked)]), ["http.client.follow-redirects a.py:11"]);
}

#[test]
fn an_old_version_is_held_against_a_newer_one_of_the_same_path_only() {
    let rule = ["version."];
    let of = |old: &str, new: &str| {
        format!(
            "const express = require('express');\nconst {{ requireLogin }} = require('./guards');\nconst {{ Order }} = require('./models');\n\
             const app = express();\napp.get('{old}', async (req, res) => res.json(await Order.findAll()));\n\
             app.get('{new}', requireLogin, async (req, res) => res.json(await Order.findAll()));\n"
        )
    };
    for (old, new, expected) in [
        ("/v1/orders", "/v2/orders", 1),
        ("/api/v9/orders/:id", "/api/v10/orders/:number", 1),
        ("/v2/orders", "/v1/orders", 0),
        ("/v1/prices", "/v2/orders", 0),
        ("/vat/orders", "/v2/orders", 0),
        ("/v1/login", "/v2/login", 0),
        ("/v99999999999999999999/orders", "/v2/orders", 0),
    ] {
        assert_eq!(said(&rule, &[("a.js", &of(old, new))]).len(), expected, "{old} {new}");
    }
}

#[test]
fn a_cookie_that_some_other_server_verifies_is_no_finding() {
    let rule = ["nextjs.middleware.token-presence-only"];
    let middleware = "import { NextResponse } from 'next/server';
export function middleware(request) {
  if (!request.cookies.get('token')) return NextResponse.redirect(new URL('/login', request.url));
  return NextResponse.next();
}
";
    assert_eq!(
        said(&rule, &[("middleware.ts", middleware)]),
        ["nextjs.middleware.token-presence-only middleware.ts:3"]
    );
    let forwards = "import { cookies } from 'next/headers';
export const orders = async () => fetch('https://api.example.com/orders', { headers: { Authorization: `Bearer ${(await cookies()).get('token').value}` } });
";
    let verifies = "import { verify } from 'jsonwebtoken';\nexport const user = (token) => verify(token, process.env.KEY, { algorithms: ['HS256'] });\n";
    for other in [forwards, verifies] {
        assert_eq!(said(&rule, &[("middleware.ts", middleware), ("lib/a.ts", other)]), [""; 0], "{other}");
    }
    // Elsewhere a cookie decides nothing before pages are shown.
    assert_eq!(said(&rule, &[("lib/theme.ts", middleware)]), [""; 0]);
}

#[test]
fn only_what_runs_in_browsers_is_sent_there() {
    let rule = ["nextjs.rsc."];
    let page = "import { Show } from './show';
export default function Page() {
  return <Show token={process.env.API_TOKEN} site={process.env.NEXT_PUBLIC_SITE_KEY} map={process.env.MAPS_API_KEY} />;
}
";
    let client = "'use client';\nexport const Show = ({ token }) => <p>{token}</p>;\n";
    let server = "export const Show = ({ token }) => <p>{token.length}</p>;\n";
    assert_eq!(
        said(&rule, &[("app/page.tsx", page), ("app/show.tsx", client)]),
        ["nextjs.rsc.secret-to-client app/page.tsx:3"]
    );
    assert_eq!(said(&rule, &[("app/page.tsx", page), ("app/show.tsx", server)]), [""; 0]);
    // What is in browsers already has no secret of the server.
    let both = format!("'use client';\n{page}");
    assert_eq!(said(&rule, &[("app/page.tsx", &both), ("app/show.tsx", client)]), [""; 0]);
}

#[test]
fn rules_of_a_team_say_the_same_and_wrong_ones_are_refused() {
    let head = "[[rule]]\nid = \"team.a\"\ntitle = \"t\"\ncontrol = \"web.headers\"\ncwe = [693]\nseverity = \"low\"\nconfidence = \"medium\"\nwhy = \"w\"\nfix = \"f\"\nmessage = \"m\"\n";
    let rule = format!(
        "{head}once = \"application\"\nsaid = ['^left$']\nunsaid = ['^right$']\n[[rule.call]]\npath = \"go()\"\nlanguages = [\"javascript\"]\n"
    );
    let team = CodeScanner::new(&[("team.toml", &rule)]).unwrap();
    let of = |text: &str| of(&team, &["team."], &[("a.js", text), ("b.js", "go();\n")]);
    assert_eq!(of("go(); left;\n"), ["team.a a.js:1"]);
    assert_eq!(of("go();\n"), [""; 0]);
    assert_eq!(of("go(left, 'right');\n"), [""; 0]);
    let mixed = format!("{rule}[[rule.right]]\npath = [\"a()\", \"b=\"]\nlanguages = [\"javascript\"]\n");
    let refused = CodeScanner::new(&[("team.toml", &mixed)]).unwrap_err().to_string();
    assert!(refused.contains("all end with `()`"), "{refused}");
    let broken = rule.replace("'^left$'", "'('");
    assert!(CodeScanner::new(&[("team.toml", &broken)]).is_err());
}
