//! The intermediate form: what a program says, the same for every language.
//!
//! It keeps what an analysis asks for (names, calls, fields, strings, branches, types as they are written, decorators) and drops
//! what only a compiler needs. What a front end cannot express becomes [`ExprKind::Unknown`] with its parts, so that nothing that
//! flows is lost. Texts are [`Symbol`]s of their module.
//!
//! No tree is deeper than [`DEPTH`]: whoever walks it may recurse.

use gabion_finding::Span;
use serde::{Deserialize, Serialize};

use crate::Language;

/// The deepest a tree is; deeper parts become [`ExprKind::Unknown`] and are said.
pub const DEPTH: usize = 400;

/// A text of a module.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Symbol(pub u32);

/// An index into [`Module::functions`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct FunctionId(pub u32);

/// An index into [`Module::classes`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct ClassId(pub u32);

/// A file.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Module {
    pub language: Language,
    /// The texts of its symbols, each once.
    pub texts: Vec<Box<str>>,
    /// Every function in it, also nested ones and lambdas. The first is what runs when the module is loaded.
    pub functions: Vec<Function>,
    pub classes: Vec<Class>,
    /// What the file says it belongs to: Java's and Go's package.
    pub package: Option<Symbol>,
    /// Directives at its beginning: `use client`, `use server`.
    pub directives: Vec<Symbol>,
}

impl Module {
    /// The text of a symbol of this module.
    #[must_use]
    pub fn text(&self, symbol: Symbol) -> &str {
        self.texts.get(symbol.0 as usize).map_or("", AsRef::as_ref)
    }

    #[must_use]
    pub fn function(&self, id: FunctionId) -> Option<&Function> {
        self.functions.get(id.0 as usize)
    }

    #[must_use]
    pub fn class(&self, id: ClassId) -> Option<&Class> {
        self.classes.get(id.0 as usize)
    }
}

/// What runs when it is called.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Function {
    pub name: Option<Symbol>,
    /// All of it.
    pub span: Span,
    /// Its name, or where it begins.
    pub head: Span,
    /// Without the receiver.
    pub params: Vec<Param>,
    pub body: Vec<Stmt>,
    /// Decorators, annotations, attributes: `@app.route("/")`, `#[get("/")]`.
    pub decorators: Vec<Expr>,
    pub returns: Option<Type>,
    /// The class it is a method of.
    pub class: Option<ClassId>,
    /// What it calls its own object, where that is a name: `self`, Go's receiver. Else it is [`ExprKind::This`].
    pub receiver: Option<Symbol>,
    pub traits: Traits,
    /// Directives at its beginning: `use server`.
    pub directives: Vec<Symbol>,
}

/// What else there is to say of a function.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[expect(clippy::struct_excessive_bools, reason = "each is a word of some language, all are independent")]
pub struct Traits {
    pub asynchronous: bool,
    pub generator: bool,
    /// Called on the class, not on an object of it.
    pub of_class: bool,
    pub constructor: bool,
    /// Read like a field: getters, `@property`.
    pub getter: bool,
    pub setter: bool,
    /// Anybody may call it: `public`, `export`, `pub`, an upper-case name in Go.
    pub public: bool,
    /// Has no `this` of its own.
    pub arrow: bool,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Param {
    pub pattern: Pattern,
    pub kind: ParamKind,
    pub of_type: Option<Type>,
    pub default: Option<Expr>,
    pub decorators: Vec<Expr>,
    pub span: Span,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum ParamKind {
    Positional,
    /// By name only (Python, behind `*`).
    Named,
    /// All further ones: `...rest`, `*args`.
    Rest,
    /// All further named ones: `**kwargs`.
    NamedRest,
}

/// A class, struct, enum, interface or trait.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Class {
    pub name: Option<Symbol>,
    pub span: Span,
    pub head: Span,
    /// What it extends and implements.
    pub bases: Vec<Expr>,
    pub decorators: Vec<Expr>,
    pub fields: Vec<Field>,
    pub methods: Vec<FunctionId>,
    /// Further code in its body: Python class bodies, static blocks.
    pub body: Vec<Stmt>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Field {
    pub name: Symbol,
    pub span: Span,
    pub of_type: Option<Type>,
    pub value: Option<Expr>,
    pub decorators: Vec<Expr>,
    /// Of the class, not of each object.
    pub of_class: bool,
}

/// A type as it is written: `List<String>` is `List` with one argument; `a.b.C` stays one path. A union is `|`, an array `[]`, a
/// tuple `()`, a function `->`; references and nullability are left out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Type {
    pub path: Symbol,
    pub arguments: Vec<Type>,
    pub span: Span,
}

/// What a value is bound to.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum Pattern {
    Name(Symbol, Span),
    /// `_`, or nothing.
    Ignore,
    /// `{a, b: c = 1, ...rest}`; also the fields of a struct.
    Object {
        fields: Vec<FieldPattern>,
        rest: Option<Box<Pattern>>,
    },
    /// `[a, b, ...rest]`, `a, *b, c`, tuples; at most one is [`Pattern::Rest`].
    List(Vec<Pattern>),
    Rest(Box<Pattern>),
    /// A default for what is missing.
    Default(Box<Pattern>, Box<Expr>),
    /// A place that exists: `a.b`, `a[i]`.
    Place(Box<Expr>),
    /// Matches a value equal to this (`match`).
    Value(Box<Expr>),
    /// Any of these.
    Or(Vec<Pattern>),
    /// `Some(x)`, `Point(x, y)`: a type and what is in it, in order.
    Variant {
        of: Box<Expr>,
        items: Vec<Pattern>,
    },
    /// Bound as a whole and taken apart.
    As(Box<Pattern>, Symbol),
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct FieldPattern {
    pub key: Key,
    pub pattern: Pattern,
}

/// The name of a field.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum Key {
    Name(Symbol),
    Computed(Box<Expr>),
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Stmt {
    pub span: Span,
    pub kind: StmtKind,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum StmtKind {
    Assert(Expr),
    Block(Vec<Stmt>),
    /// Leaves a loop, a `switch`, or the block of that label.
    Break(Option<Symbol>),
    Class(ClassId),
    Continue(Option<Symbol>),
    /// Runs when the function ends (Go).
    Defer(Expr),
    Delete(Vec<Expr>),
    /// For each item; `keys` where it gives keys (`for … in` of JavaScript).
    Each {
        pattern: Pattern,
        over: Expr,
        keys: bool,
        body: Vec<Stmt>,
    },
    Export(Export),
    Expr(Expr),
    For {
        init: Vec<Stmt>,
        condition: Option<Expr>,
        update: Vec<Expr>,
        body: Vec<Stmt>,
    },
    /// Bound to its name here.
    Function(FunctionId),
    /// These names belong to the module (`global`) or to a function around it.
    Global(Vec<Symbol>),
    If {
        condition: Expr,
        then: Vec<Stmt>,
        otherwise: Vec<Stmt>,
    },
    Import(Import),
    Labeled {
        label: Symbol,
        body: Vec<Stmt>,
    },
    /// Declares; `constant` when it cannot be assigned again.
    Let {
        pattern: Pattern,
        of_type: Option<Type>,
        value: Option<Expr>,
        constant: bool,
    },
    Return(Option<Expr>),
    Switch(Switch),
    Throw(Option<Expr>),
    Try {
        body: Vec<Stmt>,
        catches: Vec<Catch>,
        otherwise: Vec<Stmt>,
        finally: Vec<Stmt>,
    },
    While {
        condition: Expr,
        body: Vec<Stmt>,
        first: bool,
    },
    /// `with a as b`.
    With {
        items: Vec<(Expr, Option<Pattern>)>,
        body: Vec<Stmt>,
    },
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Catch {
    /// Empty: whatever was thrown.
    pub types: Vec<Type>,
    pub pattern: Pattern,
    pub body: Vec<Stmt>,
    pub span: Span,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Switch {
    pub subject: Option<Box<Expr>>,
    pub cases: Vec<Case>,
    /// Without a `break` the next case goes on (C, Java's old form, JavaScript).
    pub falls: bool,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Case {
    /// None: whatever is left.
    pub pattern: Option<Pattern>,
    pub guard: Option<Expr>,
    pub body: Vec<Stmt>,
    /// What the `switch` is worth in this case, where it is an expression.
    pub value: Option<Expr>,
    pub span: Span,
}

/// `import`, `use`, `require` at the top.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Import {
    /// As it is written: `./db`, `flask`, `java.sql.Statement` without its last word where `items` names it.
    pub module: Symbol,
    /// Python's leading dots.
    pub level: u32,
    pub items: Vec<ImportItem>,
    /// Types only: nothing of it runs.
    pub types_only: bool,
    pub span: Span,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ImportItem {
    pub what: Imported,
    /// Its name here.
    pub local: Symbol,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Imported {
    /// The module's default (`import x from`).
    Default,
    /// All its names, each under its own (`from x import *`, `use x::*`).
    Glob,
    /// The module itself (`import x`, `import * as x`).
    Module,
    Name(Symbol),
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum Export {
    /// `export default`.
    Default(Expr),
    /// Names of this module: what they are here, and outside.
    Names(Vec<(Symbol, Symbol)>),
    /// From another module: what it is there (none: all), and its name outside (none: its own).
    From { module: Symbol, items: Vec<(Option<Symbol>, Option<Symbol>)> },
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Expr {
    pub span: Span,
    pub kind: ExprKind,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum ExprKind {
    /// `a = b`, `a += b`, `a := b`.
    Assign {
        target: Box<Pattern>,
        op: Option<BinaryOp>,
        value: Box<Expr>,
    },
    Await(Box<Expr>),
    Binary {
        op: BinaryOp,
        left: Box<Expr>,
        right: Box<Expr>,
    },
    /// Statements, and what the block is worth.
    Block {
        body: Vec<Stmt>,
        value: Option<Box<Expr>>,
    },
    Bool(bool),
    Call(Call),
    /// `(T) x`, `x as T`, `x!`, a type assertion; what is checked and what is only claimed alike.
    Cast {
        to: Type,
        value: Box<Expr>,
    },
    Class(ClassId),
    Comprehension {
        kind: ListKind,
        item: Box<Expr>,
        value: Option<Box<Expr>>,
        clauses: Vec<Clause>,
    },
    /// `c ? a : b`, `if` as an expression.
    Conditional {
        condition: Box<Expr>,
        then: Box<Expr>,
        otherwise: Option<Box<Expr>>,
    },
    /// A lambda, or a function as an expression.
    Function(FunctionId),
    Index {
        object: Box<Expr>,
        index: Box<Expr>,
    },
    Jsx(Jsx),
    List {
        kind: ListKind,
        items: Vec<Expr>,
    },
    Logical {
        op: LogicalOp,
        left: Box<Expr>,
        right: Box<Expr>,
    },
    Member {
        object: Box<Expr>,
        name: Symbol,
    },
    Name(Symbol),
    Null,
    Number(f64),
    /// `{a: 1}`, a dictionary, the literal of a struct (then with its type).
    Object {
        of_type: Option<Type>,
        entries: Vec<Entry>,
    },
    /// `&x`, `*x`, `&mut x`: the value as well.
    Reference(Box<Expr>),
    Regex {
        pattern: Symbol,
        flags: Symbol,
    },
    Sequence(Vec<Expr>),
    /// `a[1:2]`, `a[1..2]`.
    Slice {
        object: Box<Expr>,
        parts: Vec<Expr>,
    },
    /// `...a`, `*a`, `**a`.
    Spread(Box<Expr>),
    String(Symbol),
    Super,
    Switch(Switch),
    /// A string with values in it: `` `a${b}` ``, `f"a{b}"`, `format!("a{b}")`.
    Template {
        tag: Option<Box<Expr>>,
        parts: Vec<Part>,
    },
    This,
    /// `x instanceof T`, `x is T`; `binding` where it also names the value.
    TypeTest {
        value: Box<Expr>,
        of_type: Type,
        binding: Option<Symbol>,
    },
    Unary {
        op: UnaryOp,
        operand: Box<Expr>,
    },
    /// What has no other form here; its parts are evaluated.
    Unknown(Vec<Expr>),
    Yield(Option<Box<Expr>>),
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Call {
    pub callee: Box<Expr>,
    pub arguments: Vec<Argument>,
    /// `new C()`; languages without the word leave it false.
    pub new: bool,
    /// A macro of Rust.
    pub macro_call: bool,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Argument {
    /// `name=value`.
    pub name: Option<Symbol>,
    pub value: Expr,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum Entry {
    Pair(Key, Expr),
    Spread(Expr),
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum Part {
    Text(Symbol),
    Value(Expr),
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Clause {
    pub pattern: Pattern,
    pub over: Expr,
    pub conditions: Vec<Expr>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Jsx {
    /// None: a fragment. An element of the page has a lower-case name.
    pub element: Option<Box<Expr>>,
    /// Without a name: spread.
    pub attributes: Vec<(Option<Symbol>, Expr)>,
    pub children: Vec<Expr>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum ListKind {
    List,
    Set,
    Tuple,
    /// Only of comprehensions: keys and values.
    Map,
    /// Only of comprehensions: a generator.
    Lazy,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum LogicalOp {
    And,
    Or,
    /// `??`, `?:` of other languages.
    Coalesce,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum UnaryOp {
    Minus,
    Not,
    Plus,
    BitNot,
    TypeOf,
    Void,
    Delete,
    /// `x++`, `--x`.
    Step,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum BinaryOp {
    Add,
    Subtract,
    Multiply,
    Divide,
    FloorDivide,
    Remainder,
    Power,
    BitAnd,
    BitOr,
    BitXor,
    ShiftLeft,
    ShiftRight,
    /// `===` too.
    Equal,
    NotEqual,
    Less,
    LessEqual,
    Greater,
    GreaterEqual,
    /// `a in b`.
    In,
    NotIn,
    /// Identity: Python's `is`.
    Is,
    IsNot,
}
