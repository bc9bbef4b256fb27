//! Express: routers in files of their own, guards before and behind, handlers in controllers.

use super::{inventory, said};

const APP: &str = "const express = require('express');
const session = require('express-session');
const users = require('./routes/users');
const orders = require('./routes/orders');
const { requireLogin } = require('./middleware/guards');
const app = express();
app.use(express.json());
app.use(session({ name: 'id', store, secret: process.env.SECRET, cookie: { sameSite: 'strict', secure: true } }));
app.get('/health', (req, res) => res.send('ok'));
app.use('/api/users', users);
app.use(requireLogin);
app.use('/api/orders', orders);
module.exports = app;
";

const USERS: &str = "const { Router } = require('express');
const controller = require('../controllers/users');
const { requireLogin, requireRole } = require('../middleware/guards');
const router = Router();
router.get('/', controller.list);
router.post('/', controller.create);
router.route('/:id').get(requireLogin, controller.one).delete(requireLogin, requireRole('admin'), controller.remove);
module.exports = router;
";

const ORDERS: &str = "const express = require('express');
const router = express.Router();
const wrap = (handler) => (req, res, next) => Promise.resolve(handler(req, res, next)).catch(next);
router.post('/:id/items', wrap(async (req, res) => {
  const { sku, amount } = req.body;
  await db.items.create({ order: req.params.id, sku, amount });
  res.json({ page: req.query.page });
}));
module.exports = router;
";

const GUARDS: &str = "exports.requireLogin = (req, res, next) => {
  if (!req.session.userId) {
    return res.status(401).end();
  }
  next();
};
exports.requireRole = (role) => (req, res, next) => req.user.role === role ? next() : res.sendStatus(403);
";

const CONTROLLER: &str = "const User = require('../models/user');
exports.list = async (req, res) => res.json(await User.find());
exports.create = async (req, res) => res.json(await User.create({ name: req.body.name }));
exports.one = async (req, res) => res.json(await User.findById(req.params.id));
exports.remove = async (req, res) => { await User.deleteOne({ _id: req.params.id }); res.end(); };
";

const FILES: &[(&str, &str)] = &[
    ("app.js", APP),
    ("controllers/users.js", CONTROLLER),
    ("middleware/guards.js", GUARDS),
    ("routes/orders.js", ORDERS),
    ("routes/users.js", USERS),
];

#[test]
fn routers_of_other_files_get_their_whole_path_and_their_guards_in_order() {
    let base = "express.json() > express-session()";
    let login = format!("{base} > requireLogin");
    assert_eq!(
        inventory(FILES),
        [
            format!(
                "POST /api/orders/{{id}}/items wrap(); {login} > wrap(); authentication maybe-authentication mutation"
            ),
            format!("GET /api/users controller.list; {base}; "),
            format!("POST /api/users controller.create; {base}; mutation"),
            format!(
                "DELETE /api/users/{{id}} controller.remove; {login} > requireRole(admin); authentication authorization maybe-authentication mutation"
            ),
            format!("GET /api/users/{{id}} controller.one; {login}; authentication maybe-authentication"),
            format!("GET /health; {base}; "),
        ]
    );
}

#[test]
fn what_is_said_of_it() {
    assert_eq!(said(FILES), ["authz.idor controllers/users.js:4", "authz.route.missing routes/users.js:6"]);
}

#[test]
fn only_what_is_stored_takes_fields_it_should_not() {
    let app = |body: &str| {
        format!(
            "const express = require('express');\nconst app = express();\napp.post('/a', (req, res) => {{\n  {body}\n}});\n"
        )
    };
    for (body, expected) in [
        ("res.redirect(`./b?${new URLSearchParams(req.body)}`);", false),
        ("const seen = new Map(req.body); res.json(seen.size);", false),
        ("new Account(req.body).save();", true),
    ] {
        let said = said(&[("app.js", &app(body))]);
        assert_eq!(said.contains(&"authz.mass-assignment app.js:4".to_owned()), expected, "{body}: {said:?}");
    }
}
