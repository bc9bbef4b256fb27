//! A module as text, for tests and for people: a statement a line, what belongs to it indented, operators before their operands.
//!
//! ```text
//! python
//! #0 module
//!   def #1
//! #1 def ping(host: str) public
//!   @ (call app.get "/ping")
//!   return (call os.popen (template "ping " {host}))
//! ```
//!
//! Functions and classes stand behind each other by their numbers, as the module holds them, so that nothing in it is left out.

mod expression;
mod pattern;
mod statement;

use crate::tree::{Class, Function, Module, Param, ParamKind, Symbol, Type};

/// All of a module but the places where things stand.
#[must_use]
pub fn dump(module: &Module) -> String {
    let mut dump = Dump { module, out: String::new(), indent: 0 };
    dump.module();
    dump.out
}

struct Dump<'a> {
    module: &'a Module,
    out: String,
    indent: usize,
}

impl<'a> Dump<'a> {
    fn module(&mut self) {
        let module = self.module;
        self.word(module.language.as_str());
        if let Some(package) = module.package {
            self.word(" package ");
            self.symbol(package);
        }
        self.directives(&module.directives);
        for (number, function) in module.functions.iter().enumerate() {
            self.line();
            self.function(number, function);
        }
        for (number, class) in module.classes.iter().enumerate() {
            self.line();
            self.class(number, class);
        }
        self.out.push('\n');
    }

    fn function(&mut self, number: usize, from: &'a Function) {
        self.word(&format!("#{number} "));
        if number == 0 && from.name.is_none() && from.params.is_empty() {
            self.word("module");
        } else {
            self.word("def ");
            from.name.into_iter().for_each(|name| self.symbol(name));
            self.params(&from.params);
            if let Some(returns) = &from.returns {
                self.word(" -> ");
                self.of_type(returns);
            }
        }
        if let Some(class) = from.class {
            self.word(&format!(" of class #{}", class.0));
        }
        if let Some(receiver) = from.receiver {
            self.word(" on ");
            self.symbol(receiver);
        }
        let traits = from.traits;
        for (has, word) in [
            (traits.asynchronous, " async"),
            (traits.generator, " generator"),
            (traits.of_class, " of_class"),
            (traits.constructor, " constructor"),
            (traits.getter, " getter"),
            (traits.setter, " setter"),
            (traits.public, " public"),
            (traits.arrow, " arrow"),
        ] {
            self.word(if has { word } else { "" });
        }
        self.directives(&from.directives);
        self.decorators(&from.decorators);
        self.body(&from.body);
    }

    fn params(&mut self, from: &'a [Param]) {
        self.between("(", from, ", ", ")", Self::param);
    }

    fn param(&mut self, from: &'a Param) {
        for decorator in &from.decorators {
            self.word("@ ");
            self.expr(decorator);
            self.word(" ");
        }
        self.word(match from.kind {
            ParamKind::Positional => "",
            ParamKind::Named => "named ",
            ParamKind::Rest => "*",
            ParamKind::NamedRest => "**",
        });
        self.pattern(&from.pattern);
        if let Some(of_type) = &from.of_type {
            self.word(": ");
            self.of_type(of_type);
        }
        if let Some(default) = &from.default {
            self.word(" = ");
            self.expr(default);
        }
    }

    fn class(&mut self, number: usize, from: &'a Class) {
        self.word(&format!("class #{number} "));
        from.name.into_iter().for_each(|name| self.symbol(name));
        if !from.bases.is_empty() {
            self.between("(", &from.bases, ", ", ")", Self::expr);
        }
        self.decorators(&from.decorators);
        self.indent += 1;
        for field in &from.fields {
            for decorator in &field.decorators {
                self.line();
                self.word("@ ");
                self.expr(decorator);
            }
            self.line();
            self.word(if field.of_class { "field of_class " } else { "field " });
            self.symbol(field.name);
            if let Some(of_type) = &field.of_type {
                self.word(": ");
                self.of_type(of_type);
            }
            if let Some(value) = &field.value {
                self.word(" = ");
                self.expr(value);
            }
        }
        for method in &from.methods {
            self.line();
            self.word(&format!("method #{}", method.0));
        }
        self.indent -= 1;
        self.body(&from.body);
    }

    /// `path<argument, argument>`.
    fn of_type(&mut self, from: &'a Type) {
        self.symbol(from.path);
        if !from.arguments.is_empty() {
            self.between("<", &from.arguments, ", ", ">", Self::of_type);
        }
    }

    fn decorators(&mut self, from: &'a [crate::tree::Expr]) {
        self.indent += 1;
        for decorator in from {
            self.line();
            self.word("@ ");
            self.expr(decorator);
        }
        self.indent -= 1;
    }

    fn directives(&mut self, from: &'a [Symbol]) {
        for directive in from {
            self.word(" use ");
            self.quoted(*directive);
        }
    }

    fn between<T>(
        &mut self,
        open: &str,
        items: &'a [T],
        separator: &str,
        close: &str,
        mut one: impl FnMut(&mut Self, &'a T),
    ) {
        self.word(open);
        for (at, item) in items.iter().enumerate() {
            self.word(if at == 0 { "" } else { separator });
            one(self, item);
        }
        self.word(close);
    }

    fn word(&mut self, word: &str) {
        self.out.push_str(word);
    }

    fn symbol(&mut self, symbol: Symbol) {
        self.out.push_str(self.module.text(symbol));
    }

    fn quoted(&mut self, symbol: Symbol) {
        self.out.push_str(&format!("{:?}", self.module.text(symbol)));
    }

    fn line(&mut self) {
        self.out.push('\n');
        self.out.extend(std::iter::repeat_n("  ", self.indent));
    }
}
