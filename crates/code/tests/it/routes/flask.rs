//! Flask: blueprints, decorators in order, what runs before requests.

use super::{inventory, said};

const APP: &str = "from flask import Flask
from .auth import auth
from .notes import notes
from .admin import admin

def create_app():
    app = Flask(__name__)
    app.config['SESSION_COOKIE_SAMESITE'] = 'Lax'
    app.register_blueprint(auth)
    app.register_blueprint(notes, url_prefix='/notes')
    app.register_blueprint(admin, url_prefix='/admin')
    return app
";

const AUTH: &str = "from flask import Blueprint, request, session, redirect, abort
from werkzeug.security import check_password_hash
from .models import User

auth = Blueprint('auth', __name__)

@auth.route('/login', methods=['GET', 'POST'])
def login():
    user = User.query.filter_by(email=request.form['email']).first()
    if user and check_password_hash(user.password, request.form['password']):
        session['user_id'] = user.id
        return redirect('/')
    abort(401)
";

const NOTES: &str = "from functools import wraps
from flask import Blueprint, request, session, redirect
from .models import Note, db

notes = Blueprint('notes', __name__)

def signed_in(view):
    @wraps(view)
    def wrapped(*args, **kwargs):
        if 'user_id' not in session:
            return redirect('/login')
        return view(*args, **kwargs)
    return wrapped

@notes.route('/<int:note_id>')
@signed_in
def show(note_id):
    return Note.query.get(note_id).text

@notes.route('/<int:note_id>', methods=['POST'])
def change(note_id):
    note = Note.query.get(note_id)
    note.text = request.form.get('text')
    db.session.commit()
    return ''

@signed_in
@notes.route('/<int:note_id>/share', methods=['POST'])
def share(note_id):
    note = Note.query.get(note_id)
    note.shared = True
    db.session.commit()
    return ''
";

const ADMIN: &str = "from flask import Blueprint, abort, g
from .models import db, User

admin = Blueprint('admin', __name__)

@admin.before_request
def only_admins():
    if not g.user or not g.user.is_admin:
        abort(403)

@admin.post('/users/<int:user_id>/block')
def block(user_id):
    db.session.delete(User.query.get(user_id))
    db.session.commit()
    return ''
";

const FILES: &[(&str, &str)] =
    &[("shop/__init__.py", APP), ("shop/admin.py", ADMIN), ("shop/auth.py", AUTH), ("shop/notes.py", NOTES)];

#[test]
fn blueprints_and_what_stands_before_their_routes() {
    assert_eq!(
        inventory(FILES),
        [
            "POST /admin/users/{user_id}/block block; only_admins; authentication authorization maybe-authentication mutation",
            "GET /login login; ; ",
            "POST /login login; ; ",
            "GET /notes/{note_id} show; signed_in; authentication",
            "POST /notes/{note_id} change; ; mutation",
            "POST /notes/{note_id}/share share; ; mutation",
        ]
    );
}

#[test]
fn what_is_said_of_it() {
    // A decorator above `route` guards nothing.
    assert_eq!(
        said(FILES),
        [
            "authz.idor shop/notes.py:18",
            "authz.route.missing shop/notes.py:20",
            "authz.route.missing shop/notes.py:28",
            "ratelimit.auth-missing shop/auth.py:7",
        ]
    );
}
