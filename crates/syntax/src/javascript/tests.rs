//! Every construct as it prints, and texts nobody writes.

use proptest::prelude::*;

use crate::{Language, Problem, check, dump};

fn shown(language: Language, source: &str) -> String {
    let parsed = check::parse(language, source);
    assert_eq!(parsed.problems, [], "{source}");
    format!("{source}\n{}", dump(&parsed.module))
}

macro_rules! constructs {
    ($($name:ident $language:ident: $source:expr;)*) => {$(
        #[test]
        fn $name() {
            insta::with_settings!({ omit_expression => true }, {
                insta::assert_snapshot!(shown(Language::$language, $source));
            });
        }
    )*};
}

constructs! {
    variables JavaScript: "\
var a = 1, b;
let { c, d: [e, , ...f], g = 2, ['h' + 1]: i, ...j } = k;
const [l = 1, { m }] = n;
[a, b.c, ...d[0]] = e;
({ f, g: h.i = 3, ...j } = k);
a += 1; a ||= 2; a.b ??= 3; a++; --a[0];
";
    functions JavaScript: "\
'use strict';
function one(a, { b } = {}, ...c) { 'use server'; return a; }
async function* two() { yield 1; yield* await x; }
const three = (a) => a, four = async ({ a }) => { return await a; };
export default function five() {}
function N() { new.target; }
import.meta.url; import('a' + b);
";
    classes TypeScript: "\
@Injectable()
export class A<T> extends B<T> implements C, d.E {
  static #count = 0;
  @Input() name?: string;
  readonly list: Map<string, number[]> = new Map();
  declare ghost: number;
  constructor(private readonly db: Db, @Inject(X) y: Y) { super(); this.y = y; }
  get size(): number { return 1; }
  set size(value) {}
  @Get(':id') static async find(@Param('id') id: string | undefined): Promise<User> { return this.#count; }
  private hidden() {}
  static { A.#count = 1; }
}
";
    statements JavaScript: "\
if (a) b; else if (c) { d } else e;
for (let i = 0, n = 1; i < n; i++) { continue; }
for (const k in o) x;
async () => { for await (const [k, v] of m) { break; } };
outer: while (a) { do { continue outer; } while (b) }
switch (a) { case 1: case 'b': c(); break; default: d(); }
try { a() } catch ({ message }) { b() } finally { c() }
throw new Error(`a${b}c`);
with (a) { b }
debugger;
";
    expressions JavaScript: "\
a?.b?.[c]?.(d)['e'];
f(...a, b => c, class {});
x = a ? b : c ?? (d && e || !f);
typeof a === 'number', void 0, delete a.b, -1n, +a, ~a;
/[a-z]+/gi.test(`plain`);
sql`select ${a} from ${b}`;
({ a, b: 1, 'c': 2, [d]: 3, 4: 5, ...e, f() {}, get g() { return 1 }, async h() {} });
a instanceof B; 'a' in b; #p in c; a ** b >>> c;
[1, , ...a];
";
    modules TypeScript: "\
import a, { b, c as d, type E, default as f } from './x';
import * as g from 'node:fs';
import type { H } from 'h';
import 'side';
import i = require('i');
export { a, b as default };
export * from './y';
export * as z from './z';
export { q as r } from './s';
export const t = 1, { u } = v;
export enum Level { Low, High = 'high' }
export namespace N.M { export const w = 1; }
export = a;
";
    types TypeScript: "\
let a: string | null = b as unknown as Foo.Bar<number>, c = <T>d, e = f!, g = h satisfies I;
function j(this: K, l: readonly M[], n: { o: 1 }, p?: (q: R) => S): asserts l is T {}
type U = keyof V; interface W { x: Y }
declare function z(): void;
";
    elements Tsx: "\
const a = <div className='b' {...c} onClick={() => d()} dangerouslySetInnerHTML={{ __html: e }}>
  text {f} <G.H key={1} i /> <></> {/* nothing */}
</div>;
function I({ j }: { j: string }) { return <b>{j}</b>; }
";
}

const LARGE: usize = 2 << 20;

fn deep(text: &str) -> bool {
    let parsed = check::parse(Language::Tsx, text);
    parsed.problems.iter().any(|problem| matches!(problem, Problem::Deep(_))) || !parsed.problems.is_empty()
}

#[test]
fn what_nests_too_deep_is_not_followed_and_said() {
    for (open, middle, close) in [
        ("(", "x", ")"),
        ("[", "x", "]"),
        ("{", "x", "}"),
        ("({a:", "x", "})"),
        ("f(", "x", ")"),
        ("`${", "x", "}`"),
        ("a`${", "x", "}`"),
        ("!", "x", ""),
        ("- ", "x", ""),
        ("typeof ", "x", ""),
        ("await ", "x", ""),
        ("new ", "x", ""),
        ("a?b:", "x", ""),
        ("a?", "x", ":b"),
        ("a=", "x", ""),
        ("a**", "x", ""),
        ("a=>", "x", ""),
        ("async a=>", "x", ""),
        ("(a)=>{", "x", "}"),
        ("x", "", ".a"),
        ("x", "", "()"),
        ("x", "", "[0]"),
        ("x", "", "?.a"),
        ("x", "", "`a`"),
        ("x", "", "!"),
        ("x", "", " as y"),
        ("<a>", "x", "</a>"),
        ("<a b={", "x", "}/>"),
        ("<>", "x", "</>"),
        ("if(a)", "x", ""),
        ("if(a)b;else ", "x", ""),
        ("for(;;)", "x", ""),
        ("while(a)", "x", ""),
        ("a:", "x", ""),
        ("function f(){", "x", "}"),
        ("class A{m(){", "x", "}}"),
        ("class A extends ", "x", "{}"),
        ("let [", "x", "]=a"),
        ("let {a:", "x", "}=b"),
        ("let a:", "x", "[]"),
        ("let a:b<", "x", ">"),
        ("let a:keyof ", "x", ""),
        ("let a:(b)=>", "x", ""),
        ("let a:b extends c?d:", "x", ""),
        ("@", "x", ""),
        ("try{", "x", "}catch{}"),
        ("switch(a){case 1:", "x", "}"),
        ("import(", "x", ")"),
        ("a,", "x", ""),
        ("a+", "x", ""),
        ("a&&", "x", ""),
        ("a??", "x", ""),
    ] {
        for most in [5_000, usize::MAX] {
            let times = most.min(LARGE / (open.len() + close.len()).max(1));
            let text = format!("{}{middle}{}", open.repeat(times), close.repeat(times));
            let read = deep(&text);
            // A list and labels are only long.
            assert!(read || matches!(open, "a," | "a:"), "{open} … {close} × {times}");
        }
    }
}

#[test]
fn what_is_only_long_is_read() {
    for text in [
        format!("const a = [{}];", "'b', ".repeat(40_000)),
        format!("const a = {{{}}};", "b: 'c', ".repeat(40_000)),
        "a();\n".repeat(40_000),
        "a()\n".repeat(2_900),
        format!("const a = {};", vec!["'b'"; 300].join(" + ")),
        format!("switch (a) {{{}}}", "case 1: b(); break;".repeat(10_000)),
        format!("/* {} */", "((((".repeat(10_000)),
        format!("'{}'", "((((".repeat(10_000)),
    ] {
        let parsed = check::parse(Language::JavaScript, &text);
        assert_eq!(parsed.problems, [], "{}", text.get(..40).unwrap_or(&text));
    }
}

proptest! {
    #[test]
    fn any_text_is_read(text in "\\PC{0,200}") {
        check::parse(Language::Tsx, &text);
    }

    #[test]
    fn any_words_are_read(words in prop::collection::vec(prop::sample::select(vec![
        "(", ")", "[", "]", "{", "}", "=>", "=", ";", ",", ".", "...", "?.", "`", "${", "<", ">", "</", "/>", "a", "b", "1", "'s'",
        "function", "class", "async", "await", "yield", "new", "import", "export", "default", "from", "let", "const", "for", "of",
        "in", "if", "else", "switch", "case", ":", "?", "@", "#", "/", "return", "try", "catch", "typeof", "as", "type", "\n",
    ]), 0..60)) {
        let text = words.join(" ");
        for language in [Language::JavaScript, Language::TypeScript, Language::Tsx] {
            check::parse(language, &text);
        }
    }
}
