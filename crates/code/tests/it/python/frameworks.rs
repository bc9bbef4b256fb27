//! Each framework's way to a handler, what it brings and what it sends back.

use super::wrong;

/// A rule, a file, and whether the rule finds something in it.
const CASES: &[(&str, &str, bool)] = &[
    (
        "sql.injection",
        "from django.db import connection\nfrom django.http import HttpResponse\ndef find(request):\n    name = request.GET.get('name')\n    with connection.cursor() as cursor:\n        cursor.execute(\"SELECT id FROM users WHERE name = '%s'\" % name)\n    return HttpResponse('x')\n",
        true,
    ),
    (
        "sql.injection",
        "from django.db import connection\nfrom django.http import HttpResponse\ndef find(request):\n    name = request.GET.get('name')\n    with connection.cursor() as cursor:\n        cursor.execute('SELECT id FROM users WHERE name = %s', [name])\n    return HttpResponse('x')\n",
        false,
    ),
    (
        "command.injection",
        "import os\nfrom django.views import View\nclass Ping(View):\n    def get(self, request, host):\n        os.system('ping ' + host)\n",
        true,
    ),
    (
        "command.injection",
        "import os\nfrom django.views.generic import TemplateView\nclass Base(TemplateView):\n    pass\nclass Ping(Base):\n    def get_context_data(self):\n        os.system('ping ' + self.request.GET['host'])\n",
        true,
    ),
    (
        "command.injection",
        "import os\nfrom django.views.generic import TemplateView\nclass Ping(TemplateView):\n    def get_context_data(self):\n        os.system('ping ' + str(int(self.request.GET['count'])))\n",
        false,
    ),
    (
        "xss.reflected",
        "from django.http import HttpResponse\ndef hello(request):\n    return HttpResponse('<b>' + request.POST['name'])\n",
        true,
    ),
    (
        "xss.reflected",
        "from django.http import HttpResponse\ndef hello(request):\n    return HttpResponse(request.POST['name'], content_type='text/plain')\n",
        false,
    ),
    (
        "xss.reflected",
        "from django.http import JsonResponse\ndef hello(request):\n    return JsonResponse({'name': request.POST['name']})\n",
        false,
    ),
    (
        "xss.markup",
        "from django.utils.safestring import mark_safe\ndef hello(request):\n    return mark_safe('<b>' + request.POST['name'])\n",
        true,
    ),
    (
        "xss.markup",
        "from django.utils.html import format_html\ndef hello(request):\n    return format_html('<b>{}', request.POST['name'])\n",
        false,
    ),
    (
        "open-redirect",
        "from django.shortcuts import redirect\ndef go(request):\n    return redirect(request.GET['next'])\n",
        true,
    ),
    (
        "open-redirect",
        "from django.shortcuts import redirect\nfrom django.utils.http import url_has_allowed_host_and_scheme\ndef go(request):\n    target = request.GET['next']\n    if not url_has_allowed_host_and_scheme(target, allowed_hosts=None):\n        target = '/'\n    return redirect(target)\n",
        false,
    ),
    (
        "command.injection",
        "import os\nfrom rest_framework.views import APIView\nfrom rest_framework.response import Response\nclass Ping(APIView):\n    def post(self, request):\n        os.system('ping ' + request.data['host'])\n        return Response({})\n",
        true,
    ),
    (
        "command.injection",
        "import os\nfrom rest_framework.decorators import api_view\n@api_view(['POST'])\ndef ping(req):\n    os.system('ping ' + req.data['host'])\n",
        true,
    ),
    (
        "command.injection",
        "import os\nfrom django import forms\nclass PingForm(forms.Form):\n    host = forms.CharField()\ndef ping(request):\n    form = PingForm(request.POST)\n    if form.is_valid():\n        os.system('ping ' + form.cleaned_data['host'])\n",
        true,
    ),
    (
        "command.injection",
        "import os\nfrom aiohttp import web\nroutes = web.RouteTableDef()\n@routes.get('/ping')\nasync def ping(request):\n    os.system('ping ' + request.query['host'])\n",
        true,
    ),
    (
        "command.injection",
        "import os\nfrom aiohttp import web\nasync def ping(req):\n    data = await req.json()\n    os.system('ping ' + data['host'])\napp = web.Application()\napp.router.add_post('/ping', ping)\n",
        true,
    ),
    (
        "command.injection",
        "import os\nimport tornado.web\nclass Ping(tornado.web.RequestHandler):\n    def get(self):\n        os.system('ping ' + self.get_argument('host'))\n",
        true,
    ),
    (
        "xss.reflected",
        "import tornado.web\nclass Hello(tornado.web.RequestHandler):\n    def get(self):\n        self.write('<b>' + self.get_argument('name'))\n",
        true,
    ),
    (
        "xss.reflected",
        "import tornado.web\nfrom tornado.escape import xhtml_escape\nclass Hello(tornado.web.RequestHandler):\n    def get(self):\n        self.write('<b>' + xhtml_escape(self.get_argument('name')))\n",
        false,
    ),
    (
        "command.injection",
        "import os\nfrom bottle import route, request\n@route('/ping/<host>')\ndef ping(host):\n    os.system('ping ' + host)\n",
        true,
    ),
    (
        "xss.reflected",
        "from bottle import route, request\n@route('/hello')\ndef hello():\n    return '<b>' + request.query.name\n",
        true,
    ),
    (
        "command.injection",
        "import os\nfrom sanic import Sanic\nfrom sanic.response import json\napp = Sanic('x')\n@app.get('/ping')\nasync def ping(request):\n    os.system('ping ' + request.args.get('host'))\n    return json({})\n",
        true,
    ),
    (
        "xss.reflected",
        "from fastapi import FastAPI\nfrom fastapi.responses import HTMLResponse\napp = FastAPI()\n@app.get('/hello')\ndef hello(name: str):\n    return HTMLResponse(f'<b>{name}')\n",
        true,
    ),
    (
        "xss.reflected",
        "from fastapi import FastAPI\napp = FastAPI()\n@app.get('/hello')\ndef hello(name: str):\n    return f'<b>{name}'\n",
        false,
    ),
    (
        "sql.injection",
        "from fastapi import FastAPI, Depends\nfrom sqlalchemy import text\nfrom sqlalchemy.orm import Session\nfrom .db import session\napp = FastAPI()\n@app.get('/users')\ndef users(name: str, db: Session = Depends(session)):\n    return db.execute(text(f\"SELECT * FROM users WHERE name = '{name}'\")).all()\n",
        true,
    ),
    (
        "sql.injection",
        "from fastapi import FastAPI, Depends\nfrom sqlalchemy import text\nfrom sqlalchemy.orm import Session\nfrom .db import session\napp = FastAPI()\n@app.get('/users')\ndef users(number: int, db: Session = Depends(session)):\n    return db.execute(text(f'SELECT * FROM users WHERE id = {number}')).all()\n",
        false,
    ),
    (
        "path.traversal",
        "from fastapi import FastAPI, UploadFile\napp = FastAPI()\n@app.post('/up')\nasync def up(file: UploadFile):\n    with open('/up/' + file.filename, 'wb') as out:\n        out.write(await file.read())\n",
        true,
    ),
    (
        "command.injection",
        "import os\nfrom flask_restful import Resource\nclass Ping(Resource):\n    def get(self, host):\n        os.system('ping ' + host)\n",
        true,
    ),
    (
        "command.injection",
        "import os\nfrom flask.views import MethodView\nfrom flask import request\nclass Ping(MethodView):\n    def post(self):\n        os.system('ping ' + request.form['host'])\n",
        true,
    ),
    (
        "xss.reflected",
        "from flask.views import MethodView\nfrom flask import request\nclass Hello(MethodView):\n    def get(self):\n        return '<b>' + request.args['name']\n",
        true,
    ),
    (
        "command.injection",
        "import os\nfrom flask_wtf import FlaskForm\nfrom wtforms import StringField, IntegerField\nclass PingForm(FlaskForm):\n    host = StringField('host')\n    count = IntegerField('count')\ndef ping():\n    form = PingForm()\n    os.system('ping ' + form.host.data)\n",
        true,
    ),
    (
        "command.injection",
        "import os\nfrom flask_wtf import FlaskForm\nfrom wtforms import StringField, IntegerField\nclass PingForm(FlaskForm):\n    host = StringField('host')\n    count = IntegerField('count')\ndef ping():\n    form = PingForm()\n    os.system('ping -c ' + str(form.count.data))\n",
        false,
    ),
    (
        "command.injection",
        "import os\ndef lambda_handler(event, context):\n    os.system('ping ' + event['host'])\n",
        true,
    ),
    (
        "command.injection",
        "import os\nfrom flask import Flask\napp = Flask(__name__)\n@app.route('/x/<int:number>')\ndef x(number):\n    os.system('sleep ' + str(number))\n    return 'x'\n",
        false,
    ),
    (
        "command.injection",
        "import os\nfrom functools import wraps\nfrom flask import Flask, request\napp = Flask(__name__)\ndef guarded(f):\n    @wraps(f)\n    def inner(*args, **kwargs):\n        return f(*args, **kwargs)\n    return inner\n@app.route('/x')\n@guarded\ndef x():\n    os.system('sleep ' + request.args['n'])\n    return 'x'\n",
        true,
    ),
    (
        "command.injection",
        "import os\nfrom flask import Flask, request\ndef create_app():\n    app = Flask(__name__)\n    register(app)\n    return app\ndef register(app):\n    views(app)\ndef views(app):\n    @app.route('/x/<name>')\n    def x(name):\n        os.system('sleep ' + name)\n        return 'x'\napp = create_app()\n",
        true,
    ),
    (
        "sql.injection",
        "import sqlite3\nfrom flask import Flask, request, g\napp = Flask(__name__)\ndef get_db():\n    if 'db' not in g:\n        g.db = sqlite3.connect('x')\n    return g.db\n@app.route('/x')\ndef x():\n    rows = get_db().execute('SELECT * FROM a WHERE b = ' + request.args['b']).fetchall()\n    return {'rows': len(rows)}\n",
        true,
    ),
    (
        "python.secret-key",
        "import os\nfrom flask import Flask\napp = Flask(__name__)\napp.config['SECRET_KEY'] = 'abc'\n",
        true,
    ),
    (
        "python.secret-key",
        "import os\nfrom flask import Flask\napp = Flask(__name__)\napp.config['SECRET_KEY'] = os.urandom(24)\n",
        false,
    ),
    (
        "python.secret-key",
        "import jwt\nKEY = 'abc'\ndef make(user):\n    return jwt.encode({'a': user}, KEY, algorithm='HS256')\n",
        true,
    ),
    (
        "python.password-in-code",
        "from flask import Flask, request\napp = Flask(__name__)\n@app.post('/l')\ndef l():\n    password = request.form['password']\n    if password == 'hunter2':\n        return 'in'\n    return 'no'\n",
        true,
    ),
    (
        "command.injection",
        "import os\nfrom flask import Flask, request\napp = Flask(__name__)\n@app.errorhandler(404)\ndef lost(error):\n    os.system('log ' + request.path)\n    return 'x'\n@app.route('/a/<path:rest>')\n@app.route('/a')\ndef a(rest=''):\n    os.system('log ' + request.path)\n    return 'x'\n",
        true,
    ),
    (
        "command.injection",
        "import os\nfrom flask import Flask, request\napp = Flask(__name__)\n@app.route('/a')\n@app.get('/b')\ndef a():\n    os.system('log ' + request.path)\n    return 'x'\n",
        false,
    ),
    (
        "command.injection",
        "import os\nfrom fastapi import APIRouter\nfrom shop.models import Answer\nrouter = APIRouter()\n@router.get('/ping', response_model=Answer, tags=['x'])\ndef ping(host: str):\n    os.system('ping ' + host)\n",
        true,
    ),
    (
        "code.injection",
        "from django.http import HttpResponse\ndef forward(request):\n    view = globals().get(request.GET.get('to'))\n    return view(request) if view else HttpResponse('no')\n",
        true,
    ),
    (
        "code.injection",
        "from django.http import HttpResponse\nVIEWS = {'home': home}\ndef forward(request):\n    view = VIEWS.get(request.GET.get('to'))\n    return view(request) if view else HttpResponse('no')\n",
        false,
    ),
    (
        "open-redirect",
        "from django.shortcuts import redirect\nfrom django import forms\nclass Next(forms.Form):\n    to = forms.CharField()\ndef go(request):\n    form = Next(request.POST)\n    if form.is_valid():\n        return redirect(form.cleaned_data['to'])\n",
        false,
    ),
    (
        "command.injection",
        "import os\nfrom aiohttp.web_app import Application\nasync def ping(asked):\n    data = await asked.post()\n    os.system('ping ' + data['host'])\ndef routes(app: Application):\n    app.router.add_route('POST', r'/ping', ping)\n",
        true,
    ),
    (
        "path.traversal",
        "import gridfs\nfrom flask import Flask, request, send_file\nfrom shop import db\napp = Flask(__name__)\n@app.get('/file')\ndef one():\n    return send_file(gridfs.GridFS(db).get(request.args['id']))\n",
        false,
    ),
    (
        "flask.debug",
        "from flask import Flask\napp = Flask(__name__)\nif __name__ == '__main__':\n    app.run(host='0.0.0.0', debug=True)\n",
        true,
    ),
    (
        "xss.reflected",
        "from fastapi import FastAPI\nfrom fastapi.responses import HTMLResponse\napp = FastAPI()\n@app.get('/x', response_class=HTMLResponse)\ndef x(q: str = ''):\n    return f'<h1>{q}</h1>'\n",
        true,
    ),
    (
        "xss.reflected",
        "from fastapi import FastAPI\nfrom fastapi.responses import PlainTextResponse\napp = FastAPI()\n@app.get('/x', response_class=PlainTextResponse)\ndef x(q: str = ''):\n    return f'<h1>{q}</h1>'\n",
        false,
    ),
    (
        "xss.reflected",
        "from fastapi import FastAPI\nfrom fastapi.responses import HTMLResponse\napp = FastAPI()\n@app.get('/x', response_class=HTMLResponse)\ndef x(n: int = 0):\n    return f'<h1>{n}</h1>'\n",
        false,
    ),
];

#[test]
fn handlers() {
    let wrong = wrong(CASES.iter().map(|(rule, text, expected)| (*rule, (*text).to_owned(), *expected)));
    assert!(wrong.is_empty(), "{} of {}\n{}", wrong.len(), CASES.len(), wrong.join("\n"));
}
