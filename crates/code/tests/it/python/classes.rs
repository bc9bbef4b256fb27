//! Functions, classes and what Python has between them.

use super::wrong;

/// Definitions beside a handler, its body, and whether what the request brings arrives.
const CASES: &[(&str, &str, bool)] = &[
    ("def f(x):\n    return x\n", "bar = f(param)", true),
    ("def f(x, y):\n    return y\n", "bar = f(param, 'a')", false),
    ("def f(x, y='a'):\n    return y\n", "bar = f(param)", false),
    ("def f(x, y='a'):\n    return y\n", "bar = f('b', y=param)", true),
    ("def f(*args):\n    return args[1]\n", "bar = f('a', param)", true),
    ("def f(*args):\n    return args[0]\n", "bar = f('a', param)", false),
    ("def f(**kwargs):\n    return kwargs['a']\n", "bar = f(a=param, b='x')", true),
    ("def f(**kwargs):\n    return kwargs['b']\n", "bar = f(a=param, b='x')", false),
    ("def f(a, b):\n    return b\n", "values = {'a': param, 'b': 'x'}\nbar = f(**values)", false),
    ("def f(a, b):\n    return b\n", "values = ['x', param]\nbar = f(*values)", true),
    ("def f(x):\n    def g(y):\n        return y + x\n    return g('a')\n", "bar = f(param)", true),
    ("def f(x):\n    def g(y):\n        return y\n    return g('a')\n", "bar = f(param)", false),
    ("def f(x):\n    return lambda: x\n", "bar = f(param)()", true),
    ("def f(x):\n    yield 'a'\n    yield x\n", "bar = ''.join(f(param))", true),
    ("def f(x):\n    yield 'a'\n", "bar = ''.join(f(param))", false),
    (
        "import functools\ndef deco(g):\n    @functools.wraps(g)\n    def inner(*args, **kwargs):\n        return g(*args, **kwargs)\n    return inner\n@deco\ndef f(x):\n    return x\n",
        "bar = f(param)",
        true,
    ),
    (
        "from contextlib import contextmanager\n@contextmanager\ndef f(x):\n    yield x\n",
        "with f(param) as y:\n    bar = y",
        true,
    ),
    (
        "from contextlib import contextmanager\n@contextmanager\ndef f(x):\n    yield 'a'\n",
        "with f(param) as y:\n    bar = y",
        false,
    ),
    (
        "class C:\n    def __init__(self, x):\n        self.x = x\n        self.y = 'a'\n",
        "bar = C(param).x",
        true,
    ),
    (
        "class C:\n    def __init__(self, x):\n        self.x = x\n        self.y = 'a'\n",
        "bar = C(param).y",
        false,
    ),
    (
        "class C:\n    def __init__(self, x):\n        self.x = x\n    def get(self):\n        return self.x\n",
        "c = C(param)\nbar = c.get()",
        true,
    ),
    (
        "class C:\n    def __init__(self):\n        self.x = 'a'\n    def put(self, x):\n        self.x = x\n",
        "c = C()\nc.put(param)\nbar = c.x",
        true,
    ),
    (
        "class C:\n    def __init__(self, x):\n        self.x = x\n    def clear(self):\n        self.x = ''\n",
        "c = C(param)\nc.clear()\nbar = c.x",
        false,
    ),
    (
        "class A:\n    def f(self, x):\n        return x\nclass B(A):\n    def f(self, x):\n        return 'a'\n",
        "bar = B().f(param)",
        false,
    ),
    ("class A:\n    def f(self, x):\n        return x\nclass B(A):\n    pass\n", "bar = B().f(param)", true),
    (
        "class A:\n    def __init__(self, x):\n        self.x = x\nclass B(A):\n    def __init__(self, x):\n        super().__init__(x)\n        self.y = 'b'\n",
        "bar = B(param).x",
        true,
    ),
    (
        "class A:\n    def __init__(self, x):\n        self.x = 'a'\nclass B(A):\n    def __init__(self, x):\n        super().__init__(x)\n",
        "bar = B(param).x",
        false,
    ),
    (
        "class C:\n    @property\n    def x(self):\n        return self._x\n    def __init__(self, x):\n        self._x = x\n",
        "bar = C(param).x",
        true,
    ),
    ("class C:\n    @staticmethod\n    def f(x):\n        return x\n", "bar = C.f(param)", true),
    (
        "class C:\n    @classmethod\n    def f(cls, x):\n        return cls.g(x)\n    @staticmethod\n    def g(x):\n        return 'a'\n",
        "bar = C.f(param)",
        false,
    ),
    ("class C:\n    table = 'users'\n    def f(self):\n        return self.table\n", "bar = C().f()", false),
    (
        "from dataclasses import dataclass\n@dataclass\nclass D:\n    a: str\n    b: str = 'x'\n",
        "bar = D(param).a",
        true,
    ),
    (
        "from dataclasses import dataclass\n@dataclass\nclass D:\n    a: str\n    b: str = 'x'\n",
        "bar = D(a=param, b='y').b",
        false,
    ),
    (
        "class C:\n    def __enter__(self):\n        return self.x\n    def __init__(self, x):\n        self.x = x\n    def __exit__(self, *args):\n        pass\n",
        "with C(param) as y:\n    bar = y",
        true,
    ),
    (
        "class A:\n    def do(self, x):\n        return x\nclass B:\n    def do(self, x):\n        return 'safe'\ndef make(kind):\n    if kind == 'a':\n        return A()\n    return B()\n",
        "bar = make('a').do(param)",
        true,
    ),
    (
        "class A:\n    def do(self, x):\n        return x\nclass B:\n    def do(self, x):\n        return 'safe'\ndef make(kind):\n    if kind == 'a':\n        return A()\n    return B()\n",
        "bar = make('b').do(param)",
        false,
    ),
    (
        "class A:\n    def do(self, x):\n        return x\nclass B:\n    def do(self, x):\n        return 'safe'\nKINDS = {'a': A, 'b': B}\n",
        "bar = KINDS['b']().do(param)",
        false,
    ),
    (
        "class A:\n    def do(self, x):\n        return x\nclass B:\n    def do(self, x):\n        return 'safe'\nKINDS = {'a': A, 'b': B}\n",
        "bar = KINDS[request.args['kind']]().do(param)",
        true,
    ),
    (
        "def fill(values, x):\n    values.append(x)\n",
        "values = []\nfill(values, param)\nbar = values[0]",
        true,
    ),
    (
        "def fill(values, x):\n    values['a'] = x\n",
        "values = {}\nfill(values, param)\nbar = values['a']",
        true,
    ),
    ("async def f(x):\n    return x\n", "import asyncio\nbar = asyncio.run(f(param))", true),
    (
        "def fail(x):\n    raise ValueError(x)\n",
        "if param not in ['a']:\n    fail(param)\nbar = param",
        false,
    ),
    (
        "def check(x):\n    if x not in ['a', 'b']:\n        raise ValueError()\n    return x\n",
        "bar = check(param)",
        false,
    ),
    ("def f(n, x):\n    if n == 0:\n        return x\n    return f(n - 1, x)\n", "bar = f(3, param)", true),
    (
        "from typing import NamedTuple\nclass P(NamedTuple):\n    a: str\n    b: str\n",
        "bar = P(param, 'x').a",
        true,
    ),
    (
        "class A:\n    def do(self, x):\n        return x\nclass B:\n    def do(self, x):\n        return 'safe'\ndef make():\n    if os.environ.get('KIND') == 'a':\n        return A()\n    return B()\n",
        "bar = make().do(param)",
        true,
    ),
    (
        "class A:\n    def do(self, x):\n        return 'other'\nclass B:\n    def do(self, x):\n        return 'safe'\ndef make():\n    if os.environ.get('KIND') == 'a':\n        return A()\n    return B()\n",
        "bar = make().do(param)",
        false,
    ),
    ("class C:\n    pass\n", "c = C()\nsetattr(c, 'x', param)\nbar = getattr(c, 'x')", true),
    (
        "class C:\n    def __init__(self, x):\n        self.x = x\n    def __str__(self):\n        return 'const'\n",
        "bar = C(param).x if False else 'a'",
        false,
    ),
    ("class C:\n    def __call__(self, x):\n        return x\n", "bar = C()(param)", true),
    (
        "class C:\n    def set(self, x):\n        self.x = x\n        return self\n",
        "bar = C().set(param).x",
        true,
    ),
];

#[test]
fn functions_and_classes() {
    let cases = CASES.iter().map(|(beside, body, expected)| {
        let body = format!("{body}\nos.system('echo ' + bar)\nreturn 'done'");
        let text = super::handler(&body).replace("\n@app.route", &format!("\n{beside}\n@app.route"));
        ("command.injection", text, *expected)
    });
    let wrong = wrong(cases);
    assert!(wrong.is_empty(), "{} of {}\n{}", wrong.len(), CASES.len(), wrong.join("\n"));
}
