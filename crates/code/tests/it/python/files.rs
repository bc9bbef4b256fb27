//! From file to file: packages, helpers, factories, blueprints.

use crate::world::found;

#[test]
fn a_module_of_a_package_without_its_init() {
    let helper = "import os\n\ndef run(line):\n    os.system(line)\n\ndef clean(line):\n    return 'ls'\n";
    let app = "from flask import Flask, request\n\ndef init(app):\n    @app.route('/x')\n    def x():\n        import helpers.shell\n\
               \x20       param = request.args.get('p')\n        helpers.shell.run(HOW)\n        return 'x'\n";
    let dirty = app.replace("HOW", "param");
    assert_eq!(
        found(&[("helpers/shell.py", helper), ("testcode/a.py", &dirty)]),
        ["command.injection helpers/shell.py:4"]
    );
    let clean = app.replace("HOW", "helpers.shell.clean(param)");
    assert!(found(&[("helpers/shell.py", helper), ("testcode/a.py", &clean)]).is_empty());
}

#[test]
fn a_wrapper_of_the_request() {
    let wrapper = "class Wrapper:\n    def __init__(self, request):\n        self.request = request\n\n    def form(self, name):\n\
                   \x20       return self.request.form.get(name)\n\n    def fixed(self, name):\n        return 'bar'\n";
    let app = "import os\nfrom flask import Flask, request\nimport web.wrapper\napp = Flask(__name__)\n\n@app.post('/x')\ndef x():\n\
               \x20   wrapped = web.wrapper.Wrapper(request)\n    os.system(wrapped.HOW('p'))\n    return 'x'\n";
    let dirty = app.replace("HOW", "form");
    assert_eq!(found(&[("web/wrapper.py", wrapper), ("app.py", &dirty)]), ["command.injection app.py:9"]);
    assert!(found(&[("web/wrapper.py", wrapper), ("app.py", &app.replace("HOW", "fixed"))]).is_empty());
}

#[test]
fn a_factory_in_another_file() {
    let things = "class Thing1:\n    def do(self, text):\n        return text\n\nclass Thing2:\n    def do(self, text):\n        return 'fixed'\n";
    let factory = "from things import Thing1, Thing2\n\ndef create():\n    kind = 'KIND'\n    if kind == 'one':\n        return Thing1()\n    return Thing2()\n";
    let app = "import os\nfrom flask import Flask, request\nimport factory\napp = Flask(__name__)\n\n@app.post('/x')\ndef x():\n\
               \x20   os.system(factory.create().do(request.form['p']))\n    return 'x'\n";
    let of = |kind: &str| {
        let factory = factory.replace("KIND", kind);
        found(&[("things.py", things), ("factory.py", &factory), ("app.py", app)])
    };
    assert_eq!(of("one"), ["command.injection app.py:8"]);
    assert!(of("two").is_empty());
}

#[test]
fn views_and_their_urls() {
    let views = "import os\nfrom django.http import HttpResponse\n\ndef show(request, name, number):\n    os.system('ls ' + HOW)\n    return HttpResponse('x')\n";
    let urls = "from django.urls import path\nfrom . import views\n\nurlpatterns = [path('<str:name>/<int:number>', views.show)]\n";
    let of = |how: &str| {
        let views = views.replace("HOW", how);
        found(&[("shop/views.py", &views), ("shop/urls.py", urls), ("shop/__init__.py", "")])
    };
    assert_eq!(of("name"), ["command.injection shop/views.py:5"]);
    assert!(of("str(number)").is_empty());
    assert_eq!(of("request.GET['q']"), ["command.injection shop/views.py:5"]);
}

#[test]
fn a_blueprint_and_a_service_with_state() {
    let db = "import sqlite3\n\nclass Db:\n    def __init__(self, path):\n        self.connection = sqlite3.connect(path)\n\n    def find(self, name):\n\
              \x20       cursor = self.connection.cursor()\n        cursor.execute(QUERY)\n        return cursor.fetchall()\n\ndb = Db('shop.db')\n";
    let app = "from flask import Blueprint, request, jsonify\nfrom .db import db\nbp = Blueprint('users', __name__)\n\n@bp.route('/users')\ndef users():\n    return jsonify(db.find(request.args['name']))\n";
    let of = |query: &str| {
        found(&[
            ("shop/db.py", &db.replace("QUERY", query)),
            ("shop/users.py", app),
            ("shop/__init__.py", ""),
        ])
    };
    assert_eq!(of("f\"SELECT * FROM users WHERE name = '{name}'\""), ["sql.injection shop/db.py:9"]);
    assert!(of("'SELECT * FROM users WHERE name = ?', (name,)").is_empty());
}

#[test]
fn parameters_of_fastapi() {
    let app = "import os\nfrom fastapi import FastAPI, Depends\nfrom pydantic import BaseModel\nfrom sqlalchemy.orm import Session\n\
               app = FastAPI()\n\nclass Item(BaseModel):\n    name: str\n    count: int\n\ndef service():\n    return 'x'\n\n\
               @app.post('/x/{part}')\ndef x(part: str, number: int, item: Item, query: str = '', db: Session = Depends(service)):\n    os.system('ls ' + str(HOW))\n    return {}\n";
    for (how, expected) in [
        ("part", true),
        ("number", false),
        ("item.name", true),
        ("item.count", false),
        ("query", true),
        ("db.name", false),
    ] {
        assert_eq!(!found(&[("app.py", &app.replace("HOW", how))]).is_empty(), expected, "{how}");
    }
}

#[test]
fn what_runs_in_tests_is_not_served() {
    let app = "import os\nfrom flask import Flask, request\napp = Flask(__name__)\n\n@app.post('/x')\ndef x():\n    os.system(request.form['p'])\n    return 'x'\n";
    for path in
        ["tests/app.py", "shop/tests/fixtures/app.py", "test_app.py", "shop/app_test.py", "conftest.py"]
    {
        assert!(found(&[(path, app)]).is_empty(), "{path}");
    }
    for path in ["app.py", "testcode/app.py", "shop/latest/app.py", "shop/contest.py"] {
        assert_eq!(found(&[(path, app)]), [format!("command.injection {path}:7")], "{path}");
    }
}

#[test]
fn debug_of_settings_that_are_served() {
    for path in ["settings.py", "shop/settings.py", "shop/settings/base.py", "config.py"] {
        assert_eq!(found(&[(path, "DEBUG = True\n")]), [format!("python.debug {path}:1")], "{path}");
    }
    for path in ["shop/settings/dev.py", "shop/settings/local.py", "tools.py", "settings_test.py", "log.py"] {
        assert!(found(&[(path, "DEBUG = True\n")]).is_empty(), "{path}");
    }
}
