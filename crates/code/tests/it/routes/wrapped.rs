//! Handlers inside of others: what one wrapper is given for one route says nothing of the next.

use std::collections::BTreeMap;

use super::{inventory, said};
use crate::world::{scan, scanner};

const WRAP: &str =
    "module.exports = (fn) => (req, res, next) => Promise.resolve(fn(req, res, next)).catch(next);\n";
const GUARD: &str = "
exports.signedIn = (req, res, next) => {
  if (!req.session.userId) return res.status(401).end();
  next();
};
";

#[test]
fn a_wrapper_for_all_handlers_mixes_none_of_them() {
    let app = "
const express = require('express');
const session = require('express-session');
const wrap = require('./wrap');
const { signedIn } = require('./guard');
const db = require('./db');
const app = express();
app.use(session({ secret: process.env.SECRET }));
app.post('/notes', signedIn, wrap(async (req, res) => {
  await db.Note.create({ text: req.body.text, userId: req.session.userId });
  res.end();
}));
const remove = wrap(async (req, res) => {
  await db.Note.destroy({ where: { id: req.params.note } });
  res.end();
});
app.delete('/notes/:note', remove);
app.get('/own', wrap(async (req, res) => {
  if (!req.session.userId) return res.status(401).end();
  res.json(await db.Note.findAll({ where: { userId: req.session.userId } }));
}));
";
    let db = "
const { Sequelize, DataTypes } = require('sequelize');
const db = new Sequelize(process.env.DB);
exports.Note = db.define('note', { text: DataTypes.TEXT, userId: DataTypes.INTEGER });
";
    let files = [("app.js", app), ("wrap.js", WRAP), ("guard.js", GUARD), ("db.js", db)];
    assert_eq!(
        inventory(&files),
        [
            "POST /notes wrap(); express-session() > signedIn > wrap(); authentication mutation ownership",
            "DELETE /notes/{note} remove; express-session() > remove; mutation",
            "GET /own wrap(); express-session() > wrap(); authentication ownership",
        ]
    );
    assert_eq!(said(&files), ["authz.route.missing app.js:17", "csrf.missing app.js:9"]);
}

#[test]
fn decorators_of_ones_own_mix_no_views() {
    let app = "
import functools
from flask import Flask, session, abort, request
from models import Post, db

app = Flask(__name__)

def timed(view):
    @functools.wraps(view)
    def inner(*args, **kwargs):
        return view(*args, **kwargs)
    return inner

@app.post('/posts')
@timed
def add():
    if 'user_id' not in session:
        abort(401)
    db.session.add(Post(author=session['user_id'], text=request.form['text']))
    db.session.commit()
    return 'done'

@app.post('/posts/<int:post>/remove')
@timed
def remove(post):
    db.session.delete(Post.query.get(post))
    db.session.commit()
    return 'done'
";
    let files = [("app.py", app)];
    assert_eq!(
        inventory(&files),
        [
            "POST /posts add; timed; authentication mutation ownership",
            "POST /posts/{post}/remove remove; timed; mutation",
        ]
    );
    assert_eq!(said(&files), ["authz.route.missing app.py:23", "csrf.missing app.py:14"]);
}

#[test]
fn what_answers_may_be_written_before_what_sends() {
    let app = "
const express = require('express');
const wrap = require('./wrap');
const db = require('./db');
const app = express();
const send = (req, res) => res.json(res.locals.found);
app.get('/notes/:id', wrap(async (req, res, next) => {
  res.locals.found = await db.Note.findByPk(req.params.id, { attributes: req.query.fields });
  next();
}), send);
app.post('/notes', wrap(async (req, res, next) => {
  res.locals.found = await db.Note.create({ text: req.body.text });
  next();
}), send);
";
    let db = "
const { Sequelize, DataTypes } = require('sequelize');
const db = new Sequelize(process.env.DB);
exports.Note = db.define('note', { text: DataTypes.TEXT });
";
    let files = [("app.js", app), ("wrap.js", WRAP), ("db.js", db)];
    let endpoints = scan(scanner(), &files).endpoints;
    let read: Vec<_> = endpoints.iter().map(|one| (one.method.as_str(), one.parameters.clone())).collect();
    let names = |from: &[(&str, &str)]| -> BTreeMap<String, Vec<String>> {
        from.iter().map(|(from, name)| ((*from).to_owned(), vec![(*name).to_owned()])).collect()
    };
    assert_eq!(
        read,
        [("GET", names(&[("path", "id"), ("query", "fields")])), ("POST", names(&[("body", "text")]))]
    );
    assert_eq!(endpoints[1].evidence, ["mutation"]);
    assert_eq!(endpoints[1].shown_at["mutation"].start.line, 12);
}
