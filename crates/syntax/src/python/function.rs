//! Functions, methods, lambdas and what they take.

use gabion_finding::Span;
use ruff_python_ast as ast;
use ruff_text_size::TextRange;

use super::Lower;
use super::annotation::path;
use crate::builder::{blank, stmt};
use crate::tree::{ClassId, Function, FunctionId, Param, ParamKind, Pattern, Stmt, StmtKind, Symbol, Traits};

impl Lower<'_> {
    pub(super) fn function(&mut self, from: &ast::StmtFunctionDef, at: Span) -> FunctionId {
        let id = self.builder.next_function(at);
        let class = self.class;
        // Decorators, defaults and annotations run outside of it.
        let decorators = from.decorator_list.iter().map(|one| self.expression(&one.expression)).collect();
        let mut traits =
            Traits { asynchronous: from.is_async, public: !from.name.starts_with('_'), ..Traits::default() };
        let binds = class.is_some_and(|_| of_method(from, &mut traits));
        let mut params = self.params(&from.parameters);
        let receiver = if binds { take_receiver(&mut params) } else { None };
        let returns = from.returns.as_ref().map(|returns| self.annotation(returns).of_type);
        let (body, yields) = self.inside(|lower| lower.body(&from.body));
        traits.generator = yields;
        let name = Some(self.builder.symbol(&from.name));
        let head = self.at(&from.name);
        let filled =
            Function { name, head, params, body, decorators, returns, class, receiver, traits, ..blank(at) };
        self.builder.set_function(id, filled);
        if let Some(class) = class {
            self.method(class, id);
        }
        id
    }

    fn method(&mut self, class: ClassId, id: FunctionId) {
        self.methods.push((class, id));
    }

    pub(super) fn lambda(&mut self, from: &ast::ExprLambda) -> FunctionId {
        let at = self.at(from);
        let id = self.builder.next_function(at);
        let params = from.parameters.as_ref().map(|params| self.params(params)).unwrap_or_default();
        let result = self.at(&*from.body);
        let (body, yields) = self.inside(|lower| {
            lower.deeper(result, |lower| stmt(result, StmtKind::Return(Some(lower.expression(&from.body)))))
        });
        let traits = Traits { arrow: true, generator: yields, ..Traits::default() };
        self.builder
            .set_function(id, Function { params, body: body.into_iter().collect(), traits, ..blank(at) });
        id
    }

    /// What a function has inside, and whether that yields.
    fn inside<T>(&mut self, lower: impl FnOnce(&mut Self) -> T) -> (T, bool) {
        let class = self.class.take();
        let loops = std::mem::take(&mut self.loops);
        let yields = std::mem::take(&mut self.yields);
        let lowered = lower(self);
        self.class = class;
        self.loops = loops;
        (lowered, std::mem::replace(&mut self.yields, yields))
    }

    fn params(&mut self, from: &ast::Parameters) -> Vec<Param> {
        let mut params = Vec::with_capacity(from.len());
        for one in from.posonlyargs.iter().chain(&from.args) {
            params.push(self.with_default(one, ParamKind::Positional));
        }
        params.extend(from.vararg.as_ref().map(|one| self.param(one, None, one.range, ParamKind::Rest)));
        for one in &from.kwonlyargs {
            params.push(self.with_default(one, ParamKind::Named));
        }
        params.extend(from.kwarg.as_ref().map(|one| self.param(one, None, one.range, ParamKind::NamedRest)));
        params
    }

    fn with_default(&mut self, from: &ast::ParameterWithDefault, kind: ParamKind) -> Param {
        self.param(&from.parameter, from.default.as_deref(), from.range, kind)
    }

    fn param(
        &mut self,
        from: &ast::Parameter,
        default: Option<&ast::Expr>,
        range: TextRange,
        kind: ParamKind,
    ) -> Param {
        let at = self.at(&range);
        self.around(at, |lower| {
            let pattern = lower.bound(Some(&from.name));
            let annotation = from.annotation.as_ref().map(|annotation| lower.annotation(annotation));
            let (of_type, decorators) =
                annotation.map_or((None, Vec::new()), |one| (Some(one.of_type), one.decorators));
            let default = default.map(|default| lower.expression(default));
            Param { pattern, kind, of_type, default, decorators, span: at }
        })
    }

    /// The statements of a block.
    pub(super) fn body(&mut self, from: &[ast::Stmt]) -> Vec<Stmt> {
        let mut into = Vec::with_capacity(from.len());
        self.statements(from, &mut into);
        into
    }
}

/// What the name and the decorators of a method say; whether its first parameter is the receiver.
fn of_method(from: &ast::StmtFunctionDef, traits: &mut Traits) -> bool {
    let mut binds = true;
    match from.name.as_str() {
        "__init__" => traits.constructor = true,
        "__new__" | "__init_subclass__" | "__class_getitem__" => traits.of_class = true,
        _ => {}
    }
    for decorator in &from.decorator_list {
        let Some(path) = path(&decorator.expression) else { continue };
        match path.rsplit('.').next().unwrap_or_default() {
            "staticmethod" | "abstractstaticmethod" => {
                traits.of_class = true;
                binds = false;
            }
            "classmethod" | "abstractclassmethod" => traits.of_class = true,
            "property" | "cached_property" | "abstractproperty" | "hybrid_property" => traits.getter = true,
            // `@name.setter`, `@name.getter`
            "setter" => traits.setter = true,
            "getter" => traits.getter = true,
            _ => {}
        }
    }
    binds
}

fn take_receiver(params: &mut Vec<Param>) -> Option<Symbol> {
    let first = params.first()?;
    let Pattern::Name(name, _) = first.pattern else { return None };
    if first.kind != ParamKind::Positional {
        return None;
    }
    params.remove(0);
    Some(name)
}
