//! What routes lack around accounts, and pages that hide what routes do not guard.

use crate::world::{scan, scanner};

/// The rules of this theme that find something, whatever their confidence, each once.
fn told(files: &[(&str, &str)]) -> String {
    let verdict = scan(scanner(), files);
    let own =
        ["audit.", "auth.mfa", "auth.reauth", "auth.reset", "authz.client", "log.auth", "validation.client"];
    let mut found: Vec<&str> = verdict.findings.iter().map(|finding| finding.rule.as_str()).collect();
    found.retain(|rule| own.iter().any(|start| rule.starts_with(start)));
    found.sort_unstable();
    found.dedup();
    found.join(" ")
}

const HEAD: &str = "const express = require('express');\nconst bcrypt = require('bcrypt');\nconst { User } = require('./models');\nconst app = express();\nconst login = (req, res, next) => (req.session.userId ? next() : res.sendStatus(401));\nconst admin = (req, res, next) => (req.session.role === 'admin' ? next() : res.sendStatus(403));\n";

fn script(code: &str) -> String {
    told(&[("app.js", &format!("{HEAD}{code}\n"))])
}

#[test]
fn who_signs_in_is_recorded_somewhere() {
    let sign_in = |more: &str| {
        format!(
            "app.post('/login', async (req, res) => {{ const user = await User.findOne({{ email: String(req.body.email) }}); const ok = await bcrypt.compare(req.body.password, user.hash); {more} res.json({{ ok }}); }});"
        )
    };
    assert_eq!(script(&sign_in("")), "log.auth-event-missing");
    for more in [
        "console.log('sign-in', ok);",
        "req.log.info({ ok });",
        "await LoginAttempt.create({ ok });",
        "auditLog.write('login', ok);",
        "events.emit('login', ok);",
        "Sentry.captureMessage('sign-in failed');",
        "await recordLoginAttempt(user, ok);",
    ] {
        assert_eq!(script(&sign_in(more)), "", "{more}");
    }
    // Every request is.
    assert_eq!(script(&format!("app.use(require('morgan')('combined'));\n{}", sign_in(""))), "");
}

#[test]
fn acts_of_administrators_are_recorded_somewhere() {
    let act = "app.delete('/admin/users/:id', admin, async (req, res) => { await User.destroy({ where: { id: req.params.id } }); res.end(); });";
    assert_eq!(script(act), "audit.missing-on-mutation log.authz-failure-missing");
    let beside = "app.patch('/admin/users/:id', admin, async (req, res) => { await User.update({}, { where: { id: req.params.id } }); logger.info('changed'); res.end(); });";
    assert_eq!(script(&format!("{act}\n{beside}")), "");
    assert_eq!(
        script(&format!("const AuditTrail = require('./audit-trail');\nAuditTrail.watch(User);\n{act}")),
        ""
    );
    // Nobody is asked for a role: that is said elsewhere.
    assert_eq!(
        script(
            "app.delete('/users/:id', login, async (req, res) => { await User.destroy({ where: { id: req.params.id } }); res.end(); });"
        ),
        ""
    );
}

#[test]
fn second_factors_are_seen_wherever_they_are() {
    let own = "app.post('/login', async (req, res) => { console.log('in'); res.json(await bcrypt.compare(req.body.password, '')); });\napp.delete('/admin/users/:id', admin, async (req, res) => { logger.info('x'); await User.destroy({ where: { id: req.params.id } }); res.end(); });\n";
    assert_eq!(script(own), "auth.mfa.missing-admin");
    let factor = (
        "factor.js",
        "const speakeasy = require('speakeasy');\nexports.check = (key, token) => speakeasy.totp.verify({ secret: key, token });\n",
    );
    assert_eq!(told(&[("app.js", &format!("{HEAD}{own}")), factor]), "");
    let elsewhere = (
        "sso.js",
        "const { Strategy } = require('passport-saml');\nexports.sso = new Strategy({}, () => {});\n",
    );
    assert_eq!(told(&[("app.js", &format!("{HEAD}{own}")), elsewhere]), "");
}

#[test]
fn what_an_account_depends_on() {
    let change = |path: &str, guards: &str, more: &str| {
        script(&format!(
            "app.post('{path}', {guards}, async (req, res) => {{ {more} await User.update({{ email: req.body.email }}, {{ where: {{ id: req.session.userId }} }}); res.end(); }});"
        ))
    };
    assert_eq!(change("/account/email", "login", ""), "auth.reauth.missing");
    assert_eq!(change("/account/disable-2fa", "login", ""), "auth.reauth.missing");
    assert_eq!(
        change(
            "/account/email",
            "login",
            "if (!(await bcrypt.compare(req.body.password, req.user.hash))) return res.sendStatus(403);"
        ),
        ""
    );
    assert_eq!(
        change(
            "/account/email",
            "login",
            "if (!(await checkPassword(req.user, req.body.currentPassword))) return res.sendStatus(403);"
        ),
        ""
    );
    assert_eq!(change("/account/email", "login, requireRecentLogin", ""), "");
    assert_eq!(change("/account/name", "login", ""), "");
    assert_eq!(change("/newsletter/email", "login", ""), "");
    assert_eq!(change("/password/reset", "login", ""), "");
}

#[test]
fn letters_that_end() {
    let forgot = |more: &str| {
        script(&format!(
            "app.post('/forgot', async (req, res) => {{ const user = await User.findOne({{ email: String(req.body.email) }}); user.resetPasswordToken = require('crypto').randomBytes(20).toString('hex'); {more} await user.save(); res.end(); }});"
        ))
    };
    assert_eq!(forgot(""), "auth.reset-token.no-expiry");
    assert_eq!(forgot("user.resetPasswordExpires = Date.now() + 3600000;"), "");
    assert_eq!(forgot("await redis.setex(`reset:${user.id}`, 3600, '1');"), "");
    let model = (
        "models.js",
        "const { Schema, model } = require('mongoose');\nexports.User = model('User', new Schema({ resetToken: String, resetTokenExpiresAt: Date }));\n",
    );
    let code = "app.post('/forgot', async (req, res) => { await User.updateOne({ email: String(req.body.email) }, { resetToken: make() }); res.end(); });";
    assert_eq!(told(&[("app.js", &format!("{HEAD}{code}")), model]), "");
}

#[test]
fn pages_that_hide_what_routes_do() {
    let page = |shown: &str| {
        format!(
            "export function Row({{ user, id }}) {{\n  const api = useApi();\n  const remove = () => api.delete(`/users/${{id}}`);\n  return <div>{shown}</div>;\n}}\n"
        )
    };
    let route = |guards: &str| {
        format!(
            "{HEAD}app.delete('/users/:id', {guards}, async (req, res) => {{ console.log('x'); await User.destroy({{ where: {{ id: req.params.id }} }}); res.end(); }});\n"
        )
    };
    let both = |shown: &str, guards: &str| told(&[("page.jsx", &page(shown)), ("app.js", &route(guards))]);
    for shown in [
        "{user.role === 'admin' && <button onClick={remove} />}",
        "{user.isAdmin ? <button onClick={() => remove()} /> : null}",
        "{!user.isAdmin ? null : <button onClick={remove} />}",
        "<AdminOnly><button onClick={remove} /></AdminOnly>",
        "{['admin', 'owner'].includes(user.role) || null}{user.roles.includes('admin') && <button onClick={remove} />}",
    ] {
        assert_eq!(both(shown, "login"), "authz.client-side-only", "{shown}");
        assert_eq!(both(shown, "login, admin"), "", "{shown}");
    }
    for shown in [
        "<button onClick={remove} />",
        "{user && <button onClick={remove} />}",
        "{user.isAdmin && <a href=\"/admin\">x</a>}<button onClick={remove} />",
        "{user.role === 'admin' ? <b>admin</b> : <button onClick={remove} />}",
    ] {
        assert_eq!(both(shown, "login"), "", "{shown}");
    }
}
