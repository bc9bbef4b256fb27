//! Where values arrive, and what makes them safe there.

use super::{handler, wrong};

/// A rule, the body of a handler, and whether the rule finds something.
const CASES: &[(&str, &str, bool)] = &[
    // Behind what is cut off, what somebody chose decides where it leads.
    ("open-redirect", "text = 'help' + param\nreturn redirect(text[4:])", true),
    ("open-redirect", "text = '/go/' + param\nreturn redirect(text[0:])", false),
    // Which files there are.
    ("path.traversal", "if os.path.exists('/srv/' + param):\n    return 'there'", true),
    ("path.traversal", "if os.path.exists('/srv/' + os.path.basename(param)):\n    return 'there'", false),
    (
        "path.traversal",
        "from pathlib import Path\nreturn str(len(list(Path('/srv').glob('*.' + param))))",
        true,
    ),
    // Secrets by the key they are kept under.
    ("python.weak-random", "import random\nkept = {}\nkept['remember_me'] = str(random.random())[2:]", true),
    ("python.weak-random", "import random\nkept = {}\nkept['colour'] = str(random.random())[2:]", false),
    (
        "python.weak-random",
        "import random\nsession.user.reset_password_code = ''.join(str(random.randint(0, 9)) for _ in range(4))",
        true,
    ),
    (
        "python.weak-random",
        "import secrets\nsession.user.reset_password_code = ''.join(str(secrets.randbelow(10)) for _ in range(4))",
        false,
    ),
    // Queries.
    (
        "sql.injection",
        "import sqlite3\nc = sqlite3.connect('x').cursor()\nc.execute(f\"SELECT a FROM b WHERE c='{param}'\")",
        true,
    ),
    (
        "sql.injection",
        "import sqlite3\nc = sqlite3.connect('x').cursor()\nc.execute('SELECT a FROM b WHERE c=?', (param,))",
        false,
    ),
    (
        "sql.injection",
        "import sqlite3\nwith sqlite3.connect('x') as c:\n    c.executescript('DELETE FROM a WHERE b = ' + param)",
        true,
    ),
    (
        "sql.injection",
        "import MySQLdb\ndb = MySQLdb.connect()\ncur = db.cursor()\ncur.execute('SELECT a FROM b WHERE c = %s', [param])",
        false,
    ),
    (
        "sql.injection",
        "from sqlalchemy import create_engine, text\nwith create_engine('x').connect() as c:\n    c.execute(text('SELECT * FROM a WHERE b = ' + param))",
        true,
    ),
    (
        "sql.injection",
        "from sqlalchemy import create_engine, text\nwith create_engine('x').connect() as c:\n    c.execute(text('SELECT * FROM a WHERE b = :b'), {'b': param})",
        false,
    ),
    ("sql.injection", "from shop import User\nUser.objects.raw('SELECT * FROM a WHERE b = ' + param)", true),
    ("sql.injection", "from shop import User\nUser.objects.filter(name=param)", false),
    (
        "ldap.injection",
        "import ldap3\nc = ldap3.Connection(ldap3.Server('x'))\nc.search('dc=x', f'(uid={param})', attributes=['a'])",
        true,
    ),
    (
        "ldap.injection",
        "import ldap3\nfrom ldap3.utils.conv import escape_filter_chars\nc = ldap3.Connection(ldap3.Server('x'))\nc.search('dc=x', f'(uid={escape_filter_chars(param)})', attributes=['a'])",
        false,
    ),
    (
        "xpath.injection",
        "import lxml.etree\nroot = lxml.etree.parse('x.xml')\nroot.xpath(f\"/a/b[@c='{param}']\")",
        true,
    ),
    (
        "xpath.injection",
        "import lxml.etree\nroot = lxml.etree.parse('x.xml')\nroot.xpath('/a/b[@c=$c]', c=param)",
        false,
    ),
    (
        "xpath.injection",
        "import elementpath\nimport xml.etree.ElementTree as ET\nelementpath.select(ET.parse('x').getroot(), f\"/a/b[@c='{param}']\")",
        true,
    ),
    // Commands.
    ("command.injection", "subprocess.run(['sh', '-c', f'echo {param}'])", true),
    ("command.injection", "subprocess.run(['echo', param])", false),
    ("command.injection", "subprocess.run('echo ' + param, shell=True)", true),
    ("command.injection", "import shlex\nsubprocess.run('echo ' + shlex.quote(param), shell=True)", false),
    ("command.injection", "subprocess.Popen(f'echo {param}', shell=False)", false),
    (
        "command.injection",
        "args = ['/bin/bash', '-c']\nargs.append('echo ' + param)\nsubprocess.check_output(args)",
        true,
    ),
    (
        "command.injection",
        "args = []\nargs.append('echo')\nargs.append(param)\nsubprocess.check_output(args)",
        false,
    ),
    ("command.injection", "subprocess.run([param, '-v'])", true),
    (
        "command.injection",
        "import platform\nargs = []\nif platform.system() == 'Windows':\n    args.append('cmd.exe')\n    args.append('/c')\nelse:\n    args.append('sh')\n    args.append('-c')\nargs.append('echo ' + param)\nsubprocess.run(args)",
        true,
    ),
    (
        "command.injection",
        "import platform\nargs = []\nif platform.system() == 'Windows':\n    args.append('type')\nelse:\n    args.append('cat')\nargs.append(param)\nsubprocess.run(args)",
        false,
    ),
    // Code.
    ("code.injection", "eval(param)", true),
    ("code.injection", "import ast\nast.literal_eval(param)", false),
    ("code.injection", "exec(compile(param, 'x', 'exec'))", true),
    (
        "code.injection",
        "if not param.startswith(\"'\") or not param.endswith(\"'\") or \"'\" in param[1:-1]:\n    return 'no'\neval(param)",
        false,
    ),
    (
        "xpath.injection",
        "import lxml.etree\nroot = lxml.etree.parse('x.xml')\nif \"'\" in param:\n    return 'no'\nroot.xpath(f\"/a/b[@c='{param}']\")",
        false,
    ),
    (
        "auth.hash.fast",
        "import hashlib\npassword = request.form['password']\nreturn {'a': hashlib.sha256(password.encode()).hexdigest()}",
        true,
    ),
    ("auth.hash.fast", "import hashlib\nreturn {'a': hashlib.sha256(param.encode()).hexdigest()}", false),
    ("log.sensitive", "password = request.form['password']\nprint('got ' + password)", true),
    ("log.sensitive", "password = request.form['password']\nprint('got %d' % len(password))", false),
    ("error.message-leak", "try:\n    int(param)\nexcept ValueError as error:\n    return str(error)", true),
    ("error.message-leak", "try:\n    int(param)\nexcept ValueError as error:\n    print(error)", false),
    (
        "error.message-leak",
        "try:\n    int(param)\nexcept ValueError as error:\n    return {'error': f'failed: {error}'}, 500",
        true,
    ),
    (
        "error.stack-leak",
        "import traceback\ntry:\n    int(param)\nexcept ValueError:\n    return traceback.format_exc(), 500",
        true,
    ),
    ("xss.reflected", "try:\n    int(param)\nexcept ValueError as error:\n    return {'a': 1}", false),
    ("open-redirect", "return redirect(request.full_path.split('/')[1])", true),
    (
        "python.cookie-flags",
        "response = make_response('x')\nresponse.set_cookie('a', 'b', path='/', secure=False, httponly=True)\nreturn response",
        true,
    ),
    (
        "python.cookie-flags",
        "response = make_response('x')\nresponse.set_cookie('a', 'b', path='/', secure=True, httponly=True)\nreturn response",
        false,
    ),
    // Files.
    ("path.traversal", "open('/srv/' + param).read()", true),
    ("path.traversal", "open('/srv/' + os.path.basename(param)).read()", false),
    ("path.traversal", "if '../' in param:\n    return 'no'\nopen(f'/srv/{param}').read()", false),
    ("path.traversal", "if '..' in param:\n    return 'no'\nopen(os.path.join('/srv', param)).read()", true),
    (
        "path.traversal",
        "path = os.path.realpath(os.path.join('/srv', param))\nif not path.startswith('/srv/'):\n    abort(400)\nopen(path)",
        false,
    ),
    (
        "path.traversal",
        "path = os.path.join('/srv', param)\nif not path.startswith('/srv/'):\n    abort(400)\nopen(path)",
        true,
    ),
    (
        "path.traversal",
        "path = os.path.join('/srv', param)\nif not os.path.abspath(path).startswith('/srv/'):\n    abort(400)\nopen(path)",
        false,
    ),
    (
        "path.traversal",
        "path = os.path.join('/srv', param)\nif os.path.commonpath(['/srv', os.path.realpath(path)]) != '/srv':\n    abort(400)\nopen(path)",
        false,
    ),
    ("path.traversal", "import pathlib\np = pathlib.Path('/srv') / param\nreturn p.read_text()", true),
    (
        "path.traversal",
        "import pathlib\np = (pathlib.Path('/srv') / param).resolve()\nif not p.is_relative_to('/srv'):\n    abort(400)\nreturn {'a': p.read_text()}",
        false,
    ),
    (
        "path.traversal",
        "import pathlib\np = (pathlib.Path('/srv') / param).resolve()\nif not str(p).startswith('/srv/'):\n    abort(400)\nreturn {'a': p.read_text()}",
        false,
    ),
    ("path.traversal", "import codecs\ncodecs.open(f'/srv/{param}', 'r')", true),
    ("path.traversal", "from flask import send_file\nreturn send_file('/srv/' + param)", true),
    (
        "path.traversal",
        "from flask import send_from_directory\nreturn send_from_directory('/srv', param)",
        false,
    ),
    (
        "path.traversal",
        "from werkzeug.utils import secure_filename\nrequest.files['f'].save(os.path.join('/up', secure_filename(request.files['f'].filename)))",
        false,
    ),
    ("path.traversal", "f = request.files['f']\nf.save(os.path.join('/up', f.filename))", true),
    // Answers.
    ("xss.reflected", "return f'<p>{param}</p>'", true),
    ("xss.reflected", "return {'a': param}", false),
    ("xss.reflected", "import html\nreturn f'<p>{html.escape(param)}</p>'", false),
    ("xss.reflected", "from markupsafe import escape\nreturn f'<p>{escape(param)}</p>'", false),
    ("xss.reflected", "answer = '<p>'\nanswer += param\nreturn answer", true),
    ("xss.reflected", "return render_template('x.html', q=param)", false),
    ("xss.reflected", "return '<p>' + param.replace('<', '&lt;').replace('>', '&gt;')", false),
    ("xss.reflected", "return f'<p>{param}</p>', 200, {'X-A': 'b'}", true),
    ("xss.reflected", "from flask import jsonify\nreturn jsonify(a=param)", false),
    ("xss.reflected", "from flask import Response\nreturn Response(param, mimetype='text/plain')", false),
    (
        "xss.reflected",
        "from flask import Response\nreturn Response('<b>' + param, mimetype='text/html')",
        true,
    ),
    ("xss.reflected", "return str(len(param))", false),
    ("xss.markup", "from markupsafe import Markup\nreturn render_template('x.html', q=Markup(param))", true),
    (
        "template.injection",
        "from flask import render_template_string\nreturn render_template_string('<p>' + param)",
        true,
    ),
    (
        "template.injection",
        "from flask import render_template_string\nreturn render_template_string('<p>{{ q }}', q=param)",
        false,
    ),
    (
        "template.injection",
        "from jinja2 import Environment\nreturn Environment().from_string(param).render()",
        true,
    ),
    // Addresses.
    ("open-redirect", "return redirect(param)", true),
    ("open-redirect", "return redirect('/home?next=' + param)", false),
    ("open-redirect", "return redirect(f'https://example.com/{param}')", false),
    ("open-redirect", "return redirect(f'https://{param}/x')", true),
    ("open-redirect", "return redirect(request.url)", false),
    (
        "open-redirect",
        "url = urllib.parse.urlparse(param)\nif url.netloc not in ['example.com'] or url.scheme != 'https':\n    return 'no'\nreturn redirect(param)",
        false,
    ),
    (
        "open-redirect",
        "if urllib.parse.urlparse(param).netloc != 'example.com':\n    return 'no'\nreturn redirect(param)",
        false,
    ),
    (
        "open-redirect",
        "if urllib.parse.urlparse(param).netloc:\n    return 'no'\nreturn redirect(param)",
        false,
    ),
    (
        "open-redirect",
        "if param.startswith('/') and not param.startswith('//'):\n    return redirect(param)\nreturn 'no'",
        false,
    ),
    ("open-redirect", "if param.startswith('/'):\n    return redirect(param)\nreturn 'no'", true),
    ("open-redirect", "if not is_safe_url(param):\n    abort(400)\nreturn redirect(param)", false),
    ("ssrf", "import requests\nreturn requests.get(param).json()", true),
    (
        "ssrf",
        "import requests\nfrom shop import API\nreturn requests.get(f'{API}/items/{param}').json()",
        false,
    ),
    ("ssrf", "import requests\nreturn requests.get('http://' + param + '/x').json()", true),
    (
        "ssrf",
        "import requests\nreturn requests.get('https://example.com/x', params={'q': param}).json()",
        false,
    ),
    ("ssrf", "import urllib.request\nreturn {'a': urllib.request.urlopen(param).read()}", true),
    // Documents.
    ("deserialisation", "import pickle\npickle.loads(base64.b64decode(param))", true),
    ("deserialisation", "import json\njson.loads(param)", false),
    ("deserialisation", "import yaml\nyaml.load(param, Loader=yaml.Loader)", true),
    ("deserialisation", "import yaml\nyaml.load(param, Loader=yaml.SafeLoader)", false),
    ("deserialisation", "import yaml\nyaml.safe_load(param)", false),
    (
        "xxe",
        "import lxml.etree\np = lxml.etree.XMLParser(resolve_entities=True)\nlxml.etree.fromstring(param, p)",
        true,
    ),
    (
        "xxe",
        "import lxml.etree\np = lxml.etree.XMLParser(resolve_entities=False)\nlxml.etree.fromstring(param, p)",
        false,
    ),
    ("xxe", "import xml.dom.minidom\nxml.dom.minidom.parseString(param)", false),
    ("xxe", "import defusedxml.ElementTree\ndefusedxml.ElementTree.fromstring(param)", false),
    // Sessions.
    ("python.trust-boundary", "session['role'] = param", true),
    ("python.trust-boundary", "session[param] = '1'", true),
    ("python.trust-boundary", "session['role'] = 'reader'", false),
    ("python.trust-boundary", "session['count'] = int(param)", false),
    (
        "sql.injection",
        "import sqlite3\nsession['a'] = param\nc = sqlite3.connect('x').cursor()\nc.execute('SELECT a FROM b WHERE c=' + str(session.get('z', 1)))",
        false,
    ),
    // Chance.
    ("python.weak-random", "import random\nsession['token'] = str(random.random())[2:]", true),
    ("python.weak-random", "import random\nsession['token'] = random.SystemRandom().randint(1, 9)", false),
    ("python.weak-random", "import secrets\nsession['token'] = secrets.token_hex()", false),
    ("python.weak-random", "import random\ncolour = random.choice(['red', 'blue'])\nreturn colour", false),
    ("python.weak-random", "import random\ntoken = random.randint(1000, 9999)", true),
    ("python.weak-random", "import random\npassword = ''.join(random.sample('abcdef', 4))", true),
    (
        "python.weak-random",
        "import random\nnumber = int(random.random() * 100)\nresponse = make_response('x')\nresponse.set_cookie('remember', str(number), secure=True)",
        true,
    ),
    // Weak hashes.
    ("crypto.weak-hash", "import hashlib\nhashlib.md5(param.encode())", true),
    ("crypto.weak-hash", "import hashlib\nhashlib.md5(param.encode(), usedforsecurity=False)", false),
    ("crypto.weak-hash", "import hashlib\nhashlib.new('sha1')", true),
    ("crypto.weak-hash", "import hashlib\nhashlib.new('sha256')", false),
    ("crypto.weak-hash", "import hashlib\nname = 'sha512'\nhashlib.new(name)", false),
];

#[test]
fn where_it_arrives() {
    let cases = CASES
        .iter()
        .map(|(rule, body, expected)| (*rule, handler(&format!("{body}\nreturn 'done'")), *expected));
    let wrong = wrong(cases);
    assert!(wrong.is_empty(), "{} of {}\n{}", wrong.len(), CASES.len(), wrong.join("\n"));
}
