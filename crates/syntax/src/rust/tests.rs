//! What becomes of Rust.

use crate::{Language, check};

fn dump(text: &str) -> String {
    let parsed = check::parse(Language::Rust, text);
    assert_eq!(parsed.problems, []);
    crate::dump(&parsed.module)
}

/// Of statements in a function.
fn statements(text: &str) -> String {
    let dumped = dump(&format!("fn f() {{\n{text}\n}}"));
    dumped.split_once("#1 def f()\n").map(|(_, rest)| rest.to_owned()).unwrap()
}

#[test]
fn imports_modules_and_constants() {
    insta::assert_snapshot!(dump(
        r##"#![forbid(unsafe_code)]
use std::process::Command;
use axum::{Router, extract::{Path, State as St, self}, routing::*};
use {serde, ::tokio as t};
pub use crate::a::{self as me, b::_c};
extern crate foo as bar;
mod other;
const KEY: &str = "s\x41\
   b";
pub static mut COUNT: u32 = 0x1f_u32;
lazy_static! { static ref X: u8 = f(); }
macro_rules! skip { ($a:expr) => { $a } }
#[cfg(test)]
mod tests {
    use super::*;
    const A: u8 = 1;
    mod deeper { fn g() {} }
    #[test] fn t() { assert_eq!(f(1), 2, "said {x}"); }
    struct S; impl S { fn g(self) {} }
}
extern "C" { fn c(a: i32); }
"##
    ));
}

#[test]
fn types_traits_and_implementations() {
    insta::assert_snapshot!(dump(
        r#"
#[derive(Debug, Clone)]
#[serde(rename_all = "camelCase")]
pub struct User<'a, T> { #[serde(skip)] pub id: &'a i64, name: Option<Vec<a::String>>, f: Box<dyn Fn(u8) -> T + 'a> }
struct Pair(u8, #[x] pub [String; 2]);
struct Unit;
enum E { A, #[default] B(u8, String), C { x: i32 }, D = 4 }
union U { a: u8, b: (u8, *const ()) }
type Pool = sqlx::Pool<Postgres>;
pub trait Store: Send + a::Sync { type Item; const N: u8 = 1; fn get(&self, id: &str) -> Option<User>; fn new() -> Self where Self: Sized { todo!() } }
impl<T: Clone> Store for a::Db<T> { fn get(&self, id: &str) -> Option<User> { self.pool.get(id)? } made!(); }
impl User {
    const MAX: usize = 5;
    #[get("/users/<id>", rank = 2)]
    #[path = "x"]
    pub async fn find(&mut self, Path(id): Path<String>, St { a, .. }: St<impl Db>, _: u8) -> Result<(), Error> { Ok(()) }
    fn own(mut self: Box<Self>, (a, [b, ..]): (u8, [u8; 3])) {}
}
"#
    ));
}

#[test]
fn what_ends_a_function_is_returned() {
    insta::assert_snapshot!(dump(
        r#"
fn a(a: u8) -> u8 { if a > 1 { return 2; } a }
fn b() { if a { b() } }
fn c() -> u8 { if a { 1 } else if b { 2 } else { unsafe { 3 } } }
fn d() -> R { match q { Ok(a) => a, Err(E::A(e)) if e > 1 => { log(); return 2; } _ => { panic!("x") } } }
fn e() -> R { if let Some(x) = y { x } else { return None; } }
fn g() -> u8 { let x = { f(); if a { 1 } else { 2 } }; loop { break x } }
fn h() -> u8 { a(); }
"#
    ));
}

#[test]
fn conditions_and_loops() {
    insta::assert_snapshot!(statements(
        r#"
        let Some(mut u) = rows.pop() else { return Err(e); };
        let mut n: u8; let (a, ref b, _) = c;
        if let Some(x) = u.name { use_it(x) } else if a && let Some(y) = z && y > 1 { g(y); }
        while let Some(r) = it.next() { if r { break; } }
        while a { continue }
        'outer: loop { continue 'outer; }
        for (i, x) in v.iter().enumerate() { v[i] += 1; }
        let w = if let Some(x) = y { x } else { 2 };
        let z = match k {
            1 | 2 | 3 => "a",
            Foo::Bar { a, b: Some(c), .. } if c > 1 => { log(); "b" }
            x @ 1..=5 => return Ok(x),
            &None | Foo::Unit => loop { break 'outer; },
            [first, .., last] => first,
            _ => "c",
        };
        let l = 'l: { break 'l 5; };
        "#
    ));
}

#[test]
fn expressions() {
    insta::assert_snapshot!(statements(
        r##"
        let mut rows = db.query("select").await?.fetch_all(&mut self.pool)?;
        let c = |a, b: u8, _| a + b; let d = async move || { x }; let e = |&(p, q)| -> u8 { p };
        let o = User { id, name: None, 0: 1, ..Default::default() }; let g = a::B::<u8> { c: 1 };
        let s = &v[1..n]; let t = (a, b.0, ()); let arr = [0u8; 16]; let i = v[0]; let r = 1..=2;
        let p = Command::new("sh").arg("-c").arg(&q).output()?;
        (a, b.c, _) = (1, 2, 3); *x = 5; y <<= 2;
        let h = v.iter().map(String::from).collect::<Vec<_>>();
        let r = r#"raw "x\n""#; let by = b"by\x41"; let ch = '\''; let bc = b'a'; let f = 1.5e3f64;
        unsafe { COUNT += 1; }
        let n = x as u64 & !y; let m = -1; let e = Vec::<u8>::new(); let k = <T as Tr>::f(); crate::a::b();
        tokio::spawn(async move { work(id).await });
        #[allow(x)] let z = a && b || c == d;
        fn inner() {} struct Inner; use a::b;
        "##
    ));
}

#[test]
fn macros() {
    insta::assert_snapshot!(statements(
        r##"
        let q = format!("SELECT '{id}' {{}} {} {x:?} {0}", s, x = 1);
        let raw = format!(r#"a "{name}""#);
        write!(f, "é {id}\n")?;
        println!(); println!("{}", a.b(c)?);
        let j = json!({"a": id, "b": [1, x, {"k": f(y)}], c: {"d": null}, (e): 1});
        let v = vec![1, 2, x]; let v2 = vec![0; n];
        info!(target: "t", %err, ?y, user = id, "msg {id}");
        let rows = sqlx::query!("select '{no}'", id).fetch_all(&pool).await?;
        select! { a = b() => { c(a) } else => d }
        let m = matches!(x, Some(_) | None);
        html!(<div class="a">{ name }</div>);
        outer!(inner!(deep!(a + 1), "b"));
        { block_of! { let a = 1; a } }
        "##
    ));
}

#[test]
fn what_stands_around_errors_is_read() {
    let parsed = check::parse(
        Language::Rust,
        "fn f() { a(; b(\"x\") }\nfn g(p: String) -> String { p }\nstruct S { a u8, b: u8 }\n",
    );
    assert!(!parsed.problems.is_empty());
    insta::assert_snapshot!(crate::dump(&parsed.module));
}

#[test]
fn macros_in_macros_cost_no_more_than_their_length() {
    let text = format!("fn f() {{ {}a{}; }}", "m!(".repeat(100_000), ")".repeat(100_000));
    check::parse(Language::Rust, &text);
    let text = format!("fn f() {{ {} }}", "m!(a, {b: [1, x]}, 'c);".repeat(20_000));
    check::parse(Language::Rust, &text);
}

#[test]
fn places_in_macros_are_those_of_the_file() {
    let text = "fn f() { é!(a, json!([\"é\", {\"k\": call(é)}]), format!(\"é{name}\")) }";
    let parsed = check::parse(Language::Rust, text);
    let dumped = format!("{:?}", parsed.module.functions[1].body);
    for (word, times) in [("call(é)", 1), ("name", 2), ("call", 2)] {
        let start = text.find(word).unwrap();
        let place = format!("Span {{ start: {start}, end: {} }}", start + word.len());
        assert!(times > 0 && dumped.contains(&place), "{word} at {place} in {dumped}");
    }
}

#[test]
fn spans_are_exact() {
    let text = "pub fn f() -> u8 { g(a, \"é\").b }";
    let parsed = check::parse(Language::Rust, text);
    let function = &parsed.module.functions[1];
    assert_eq!((function.span.of(text), function.head.of(text)), (text, "f"));
    assert_eq!(function.body[0].span.of(text), "g(a, \"é\").b");
}

#[test]
fn long_tables_in_macros_are_read() {
    let text = format!("const A: B = m!(u8; c([{}],));\n", "0x1,2,".repeat(20_000));
    assert_eq!(check::parse(Language::Rust, &text).problems, []);
}
