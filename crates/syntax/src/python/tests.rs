//! Every construct as it prints.

mod depth;
mod hostile;
mod whole;

use crate::{Language, Problem, check, dump};

/// The source and what became of it.
fn shown(source: &str) -> String {
    let parsed = check::parse(Language::Python, source);
    assert_eq!(parsed.problems, [], "it is Python");
    format!("{source}\n{}", dump(&parsed.module))
}

macro_rules! constructs {
    ($($name:ident: $source:expr;)*) => {$(
        #[test]
        fn $name() {
            insta::with_settings!({ omit_expression => true }, { insta::assert_snapshot!(shown($source)) });
        }
    )*};
}

constructs! {
    assignments: "\
x = 1
x = y = z = 2
a, (b, *c), [d] = f()
self.x[0], e.f = 1, 2
x += 1; x //= 2; x **= 3; x @= m; x >>= 1
n: int
s: str = 'a'
self.name: 'User | None' = None
if (n := len(s)) > 3: pass
del a, b[0]
global_name = ...
";
    imports: "\
import os
import os.path, json as j, a.b as c
from flask import Flask, request as req
from . import sibling
from ..package.module import (one, two as second,)
from wild import *
from typing import TYPE_CHECKING
if TYPE_CHECKING:
    from models import User
else:
    User = None
";
    functions: "\
@app.route('/x', methods=['GET'])
@login_required
async def f(a, /, b: int = 1, *args: str, c, d: bool = True, **kwargs: dict[str, int]) -> 'Response':
    '''Docs.'''
    def inner(x=lambda y: y + 1):
        nonlocal b
        yield x
        received = yield
        yield from range(3)
    global counter
    await inner()
    return inner
def _private(): ...
def bare(*, only): return
key = lambda *a, k=1, **kw: (yield k)
def generic[T: int, *Ts, **P](x: T) -> T: return x
";
    annotations: "\
def f(
    a: Optional[str], b: str | None, c: typing.Union[int, str, None], d: 'List[\"User\"]', e: Callable[[int, str], bool],
    f: Literal['a', 'b'], g: Annotated[User, Depends(current_user), Query(max_length=5)], h: tuple[int, ...], i: list['models.User'],
    j: Callable[..., int], k: None, l: f(x), m: Annotated[str, Body()] = 'x', *args: *Ts, **kw: Unpack[Options],
) -> dict[str, list[int]]: pass
x: ClassVar[Final[int]] = 1
type Alias[T] = list[T] | None
";
    classes: "\
@dataclass(frozen=True)
class User(Base, mixins.Timed, metaclass=Meta, **options):
    '''Docs.'''
    table = 'users'
    id: int
    name: str = field(default='x')
    shared: ClassVar[list[str]] = []
    email: Annotated[str, Field(max_length=9)] = ''
    a, b = 1, 2
    def __init__(self, name: str, *rest):
        super().__init__(name)
        self.name = name
    def _hidden(this): return this.id
    @property
    def full(self) -> str: return self.name
    @full.setter
    def full(self, value): self.name = value
    @staticmethod
    def make(x): return User(x)
    @classmethod
    def build(cls, x): return cls(x)
    def odd(*args): pass
    if DEBUG:
        def debug(self): pass
    class Meta:
        ordering = ['id']
        def help(self): return lambda self: self
class Empty: pass
";
    branches: "\
if a: x()
elif b:
    y()
elif c: z()
else:
    w()
if __name__ == '__main__':
    main()
while a < 3:
    a += 1
    continue
for i, (k, v) in enumerate(d.items()):
    if k: break
else:
    missing()
while True:
    for x in y:
        break
    else:
        break
    break
else:
    never()
async def f():
    async for row in rows: use(row)
";
    errors: "\
try:
    risky()
except (ValueError, errors.Mine) as e:
    log(e)
except KeyError:
    raise
except:
    raise Http(500, str(e)) from e
else:
    fine()
finally:
    done()
try: pass
except* OSError as group: raise X() from wrap(group)
assert a > 1, f'no {a}'
with open(p) as f, lock, pair() as (a, b): f.read()
async def g():
    async with session.get(url) as response: pass
with (open(a) as x, open(b) as y): pass
";
    matches: "\
match command.split():
    case ['go', direction] if direction in DIRECTIONS: go(direction)
    case ['drop', *rest] | ['leave', *rest]: drop(rest)
    case {'name': str() as name, 'age': 1, K.B: _, **others}: use(name, others)
    case Point(x, y=0, z=Inner(w)): use(x, w)
    case -1 | 2 + 3j | 'a' 'b' | None | True | enum.Red: pass
    case (a, _) as pair: use(pair)
    case [*_]: pass
    case other if other: pass
    case _: pass
";
    comprehensions: "\
a = [x for x in y if x if x > 1 for z in x]
b = {k: v for k, (v, _) in d.items()}
c = {*a, 1, 2}
d = sum(x async for x in y)
e = {x for x in y}
f = {'a': 1, b: 2, **c, 3: d, f'k{e}': 5}
g = [*a, (), (1,), {}, []]
";
    operators: "\
a + b - c * d / e // f % g ** h @ i
a | b & c ^ d << 1 >> 2
not a and -b or +c and ~d
a < b
a < f(b) <= c != d
a < (lambda: b) < c
x is None and y is not None or z in w and v not in u
a if b else c if d else e
f(a, *b, k=c, **d)
f(k=1, *args)
a.b.c[0][1:2][:3][::4][x, 1:2][...]
await_ = (yield_, x)
'%s' % x; '{}'.format(x)
0x10 + 1_000 + 1e3 + 2j + 0xffffffffffffffffff + 123456789012345678901234567890 + 0b1 + 0o17
";
    strings: "\
'a' \"b\" '''c'''
b'\\x00a' b'b'
b'\\xff'
r'\\d+' 'ä\\n\\u00e9'
f'a{b}c' 'd' f'{e}'
f''
f'{{}}' 'x'
f'{x!r} {x!s:>10} {x:{width}.{precision}f} {x:d}'
f'{x=} {y = !s} {z=:3}'
f'{f\"{g(\"q\")}\"}'
f'''{
    a if b else {'k': 1}['k']
}'''
rf'\\{x}'
t'select {x!r} from {y:z}' t'!'
('long ' 'text '
 f'with {value}')
";
    main: "\
#!/usr/bin/env python
# -*- coding: utf-8 -*-
from flask import Flask, request
app = Flask(__name__)

@app.get('/users/<int:id>')
def show(id):
    row = db.execute(f\"select * from users where id = {id} and name = '{request.args['name']}'\").fetchone()
    return {'row': row}, 200

if __name__ == '__main__':
    app.run(debug=True)
";
}

#[test]
fn what_is_no_python_is_said_and_the_rest_is_there() {
    let parsed =
        check::parse(Language::Python, "import os\nprint 'x'\ndef f(:\n    os.system(x)\ny = = 2\nz = g(1\n");
    let says: Vec<_> = parsed.problems.iter().map(ToString::to_string).collect();
    let shown = format!("{}\n{}", says.join("\n"), dump(&parsed.module));
    insta::with_settings!({ omit_expression => true }, { insta::assert_snapshot!(shown) });
}

#[test]
fn at_most_twenty_problems_are_said() {
    let parsed = check::parse(Language::Python, &"x = = 2\n".repeat(100));
    assert_eq!(parsed.problems.len(), 20);
    assert!(parsed.problems.iter().all(|problem| matches!(problem, Problem::Syntax { .. })));
}

#[test]
fn places_are_exact() {
    let source = "x = 'ä'; f(  a.b [ 1 ] , k = v)\n";
    let parsed = check::parse(Language::Python, source);
    let body = &parsed.module.functions[0].body;
    assert_eq!(
        body.iter().map(|one| one.span.of(source)).collect::<Vec<_>>(),
        ["x = 'ä'", "f(  a.b [ 1 ] , k = v)"]
    );
    let crate::tree::StmtKind::Expr(crate::tree::Expr { kind: crate::tree::ExprKind::Call(call), .. }) =
        &body[1].kind
    else {
        panic!("a call")
    };
    let arguments: Vec<_> = call.arguments.iter().map(|one| one.value.span.of(source)).collect();
    assert_eq!(arguments, ["a.b [ 1 ]", "v"]);
}
