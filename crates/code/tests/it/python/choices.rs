//! Functions, files and names of modules that a request chooses, and what only looks like that.

use super::wrong;

const START: &str = "import os, signal, sqlite3, zipfile, tarfile\nfrom flask import Flask, request, render_template_string\nfrom markupsafe import Markup\nimport shutil\napp = Flask(__name__)\n";

/// A rule, what stands behind the imports, and whether the rule finds something in it.
const CASES: &[(&str, &str, bool)] = &[
    ("code.injection", "@app.get('/x')\ndef x():\n    return globals()[request.args['f']]()\n", true),
    (
        "code.injection",
        "@app.get('/x')\ndef x():\n    return globals()['do_' + request.args['f']]()\n",
        false,
    ),
    (
        "code.injection",
        "TABLE = {'a': len}\n@app.get('/x')\ndef x():\n    return str(TABLE[request.args['f']]('x'))\n",
        false,
    ),
    (
        "code.injection",
        "@app.get('/x')\ndef x():\n    return getattr(shutil, request.args['f'])('a')\n",
        true,
    ),
    (
        "code.injection",
        "@app.get('/x')\ndef x():\n    return getattr(shutil, 'copy')(request.args['f'], 'x')\n",
        false,
    ),
    (
        "code.injection",
        "@app.get('/x')\ndef x():\n    return str(getattr(signal, 'SIG' + request.args['f']))\n",
        false,
    ),
    // A variable of the module: what this function set it to is what it uses; what another one set, it may use.
    (
        "sql.injection",
        "NAME = None\n@app.get('/a')\ndef a():\n    global NAME\n    NAME = request.args['n']\n    return ''\n@app.get('/b')\ndef b():\n    global NAME\n    NAME = 'const'\n    sqlite3.connect('x').execute('select * from ' + NAME)\n    return ''\n",
        false,
    ),
    (
        "sql.injection",
        "NAME = None\n@app.get('/a')\ndef a():\n    global NAME\n    NAME = request.args['n']\n    return ''\n@app.get('/b')\ndef b():\n    sqlite3.connect('x').execute('select * from ' + NAME)\n    return ''\n",
        true,
    ),
    (
        "sql.injection",
        "NAME = 'a'\n@app.get('/a')\ndef a():\n    global NAME\n    NAME = request.args['n']\n    return ''\n@app.get('/b')\ndef b():\n    global NAME\n    if request.args.get('all'):\n        NAME = 'const'\n    sqlite3.connect('x').execute('select * from ' + NAME)\n    return ''\n",
        true,
    ),
    (
        "sql.injection",
        "TABLE = 'a'\ndef one():\n    global TABLE\n    TABLE = 'b'\ndef two():\n    global TABLE\n    TABLE = 'c'\n@app.get('/b')\ndef b():\n    sqlite3.connect('x').execute('select * from ' + TABLE)\n    return ''\n",
        false,
    ),
    // What is sent as a file is no path; what it is called is.
    (
        "path.traversal",
        "@app.post('/x')\ndef x():\n    with zipfile.ZipFile(request.files['f']) as archive:\n        return str(archive.namelist())\n",
        false,
    ),
    (
        "path.traversal",
        "@app.post('/x')\ndef x():\n    file = request.files['f']\n    file.save('/srv/' + file.filename)\n    return ''\n",
        true,
    ),
    (
        "path.traversal",
        "@app.post('/x')\ndef x():\n    file = request.files.get('f')\n    return open('/srv/' + file.filename).read()\n",
        true,
    ),
    // Text of a template is markup; what is put into it by its own ways is escaped.
    (
        "xss.reflected",
        "@app.get('/x')\ndef x():\n    return render_template_string('<p>{{ q }}</p>', q=request.args['q'])\n",
        false,
    ),
    (
        "xss.reflected",
        "@app.get('/x')\ndef x():\n    return Markup('<b>{}</b>').format(request.args['q'])\n",
        false,
    ),
    (
        "xss.markup",
        "@app.get('/x')\ndef x():\n    return Markup('<b>{}</b>'.format(request.args['q']))\n",
        true,
    ),
    // A password that is compared, and what only came by way of one.
    (
        "python.password-in-code",
        "@app.post('/x')\ndef x():\n    password = request.form['x']\n    return 'a' if password == 'hunter22' else 'b'\n",
        true,
    ),
    (
        "python.password-in-code",
        "def options(password, host):\n    return {'password': password, 'host': host}\ndef connect(options):\n    for key, value in options.items():\n        if key == 'host':\n            return value\n        if value.scheme == 'https':\n            return value\ndef start(password):\n    made = options(password, 'x')\n    more = dict(made)\n    less = list(more.items())\n    return connect(dict(less))\n",
        false,
    ),
    (
        "python.password-in-code",
        "def settings(password):\n    return {'a': {'password': password, 'kind': input()}}\ndef start(x):\n    made = settings(x)\n    return made['a'][x] == 'html'\n",
        false,
    ),
    (
        "command.injection",
        "import subprocess, sys\n@app.get('/x')\ndef x():\n    subprocess.run([sys.executable, '-m', 'tool', request.args['f']])\n    return ''\n",
        false,
    ),
    (
        "command.injection",
        "import subprocess, sys\n@app.get('/x')\ndef x():\n    subprocess.run([request.args['f'], '-m', sys.executable])\n    return ''\n",
        true,
    ),
];

#[test]
fn what_a_request_chooses() {
    let cases = CASES.iter().map(|(rule, text, expected)| (*rule, format!("{START}{text}"), *expected));
    let wrong = wrong(cases);
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn queries_that_django_is_given_in_parts() {
    let start = "from .models import Product\nfrom django.http import JsonResponse\ndef find(request):\n    q = request.GET['q']\n";
    let cases: [(&str, bool); 4] = [
        ("    rows = Product.objects.extra(where=[\"name = '%s'\" % q])\n", true),
        ("    rows = Product.objects.filter(pk=1).extra(where=[\"name = '\" + q + \"'\"])\n", true),
        ("    rows = Product.objects.extra(where=['name = %s'], params=[q])\n", false),
        ("    rows = Product.objects.filter(name__icontains=q)\n", false),
    ];
    let text = |body: &str| format!("{start}{body}    return JsonResponse(list(rows))\n");
    let wrong = wrong(cases.iter().map(|(body, expected)| ("sql.injection", text(body), *expected)));
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn what_is_asked_of_a_path_that_is_used_is_said_once() {
    let app = "import os\nfrom flask import Flask, request\nfrom PIL import Image\napp = Flask(__name__)\n@app.get('/x')\ndef x():\n    path = os.path.join('/srv', request.args['f'])\n";
    let found = |body: &str| crate::world::found(&[("app.py", &format!("{app}{body}"))]);
    let both = "    if not os.path.exists(path):\n        return ''\n    return open(path).read()\n";
    assert_eq!(found(both), ["path.traversal app.py:10"]);
    // Of another path it is another thing; alone it tells which files there are.
    let asked = "    return 'a' if os.path.isfile(path) else 'b'\n";
    assert_eq!(found(asked), ["path.traversal app.py:8"]);
    let other = "    if os.path.exists(os.path.join('/srv', request.args['g'])):\n        return open(path).read()\n    return ''\n";
    assert_eq!(found(other), ["path.traversal app.py:8", "path.traversal app.py:9"]);
    let picture = "    Image.open(path)\n    return ''\n";
    assert_eq!(found(picture), ["path.traversal app.py:8"]);
    let sent = "    Image.open(request.files['f'])\n    Image.open(request.data)\n    return ''\n";
    assert_eq!(found(sent), [""; 0]);
}
