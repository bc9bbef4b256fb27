//! Functions that nobody in the tree calls but a framework does, known by where they stand and what they are called.

use gabion_syntax::tree::{Expr, ExprKind, Function, Param, Pattern};

use super::Frame;
use crate::value::{Known, Value};
use crate::world::{Loaded, World};

/// Names of a first parameter that stands for the object a field of a graph is of.
const PARENTS: &[&str] = &["_", "__", "_parent", "parent", "_root", "root", "rootValue", "_obj", "_source"];

impl World<'_> {
    /// What such a function is given; none where it is an ordinary one.
    pub(super) fn given_by_framework(
        &mut self,
        frame: &Frame,
        loaded: &Loaded,
        function: &Function,
    ) -> Option<Vec<Value>> {
        if !loaded.language().is_script() {
            return None;
        }
        let path = self.units.get(frame.module).map(|unit| std::sync::Arc::clone(&unit.path))?;
        let name = function.name.map(|name| loaded.text(name).to_owned()).unwrap_or_default();
        let names: Vec<&str> = function.params.iter().map(|param| name_of(loaded, param)).collect();
        let paths = served(&names)
            .or_else(|| next(&path, &name, loaded, function))
            .or_else(|| called(loaded, function, &names))?;
        let given = paths.iter().map(|path| match self.path(path) {
            Some(origin) => self.at_path(frame, origin, &Value::default(), function.head),
            None => Value::default(),
        });
        Some(given.collect())
    }

    /// What a decorator says of a parameter: `@Body() body`.
    pub(super) fn decorated_parameter(&mut self, frame: &mut Frame, param: &Param, value: &mut Value) {
        for decorator in &param.decorators {
            let given = self.evaluate(frame, decorator);
            if parsed(frame, decorator) {
                value.known = Known::Harmless;
                return;
            }
            value.add_flows(&given.flows);
            if value.origin.is_none() {
                value.origin = given.origin;
            }
        }
    }
}

/// `@Param('id', ParseIntPipe)`: what is handed over is a number, or a word of a list.
fn parsed(frame: &Frame, decorator: &Expr) -> bool {
    let ExprKind::Call(call) = &decorator.kind else { return false };
    call.arguments.iter().any(|argument| {
        let pipe = match &argument.value.kind {
            ExprKind::Call(made) => &made.callee,
            _ => &argument.value,
        };
        matches!(&pipe.kind, ExprKind::Name(symbol) if matches!(
            frame.loaded.text(*symbol),
            "ParseIntPipe" | "ParseFloatPipe" | "ParseBoolPipe" | "ParseUUIDPipe" | "ParseEnumPipe" | "ParseDatePipe"
        ))
    })
}

/// `(req, res)`, `(req, res, next)`, `(err, req, res, next)`: what every server of JavaScript calls.
fn served(names: &[&str]) -> Option<Vec<&'static str>> {
    let at = names.iter().position(|name| matches!(*name, "req" | "request" | "_req"))?;
    let next = names.get(at.saturating_add(1))?;
    if !matches!(*next, "res" | "response" | "reply" | "_res" | "resp") {
        return None;
    }
    let mut given = vec![""; at];
    given.extend(if *next == "reply" {
        ["fastify.Request()", "fastify.Reply()"]
    } else {
        ["express.Request()", "express.Response()"]
    });
    Some(given)
}

/// What Next.js calls by the name of its file.
fn next(path: &str, name: &str, loaded: &Loaded, function: &Function) -> Option<Vec<&'static str>> {
    let file = path.rsplit_once('/').map_or(path, |(_, file)| file);
    let (stem, _) = file.rsplit_once('.')?;
    let within =
        |folder: &str| path.starts_with(&format!("{folder}/")) || path.contains(&format!("/{folder}/"));
    let directive = |symbols: &[gabion_syntax::tree::Symbol]| {
        symbols.iter().any(|symbol| loaded.text(*symbol) == "use server")
    };
    if stem == "route" && matches!(name, "GET" | "POST" | "PUT" | "PATCH" | "DELETE" | "HEAD" | "OPTIONS") {
        return Some(vec!["next.Request()", "next.Context()"]);
    }
    if matches!(name, "getServerSideProps") {
        return Some(vec!["next.Context()"]);
    }
    if matches!(stem, "middleware" | "proxy") && matches!(name, "middleware" | "proxy") {
        return Some(vec!["next.Request()"]);
    }
    if matches!(stem, "page" | "layout") && within("app") && function.params.len() == 1 {
        let exported = function.traits.public || name.starts_with(|first: char| first.is_uppercase());
        return exported.then(|| vec!["next.Context()"]);
    }
    if directive(&loaded.module().directives) || directive(&function.directives) {
        return Some(vec!["next.ActionArgument()"; function.params.len()]);
    }
    None
}

/// Resolvers of GraphQL and functions in a cloud, by what their parameters are called.
fn called(loaded: &Loaded, function: &Function, names: &[&str]) -> Option<Vec<&'static str>> {
    let first = names.first()?;
    if PARENTS.contains(first) {
        let second = function.params.get(1)?;
        let named = matches!(names.get(1), Some(&"args" | &"_args"));
        let apart = matches!(second.pattern, Pattern::Object { .. })
            && matches!(names.get(2), Some(&"ctx" | &"context" | &"_context" | &"_ctx" | &""));
        return (named || (apart && names.len() >= 3)).then(|| vec!["", "graphql.Arguments()"]);
    }
    if *first == "event" && matches!(names.get(1), Some(&"context" | &"_context" | &"ctx")) {
        return Some(vec!["aws.Event()"]);
    }
    let of_lambda = function.params.first()?.of_type.as_ref().is_some_and(|of_type| {
        matches!(
            loaded.text(of_type.path),
            "APIGatewayProxyEvent" | "APIGatewayEvent" | "APIGatewayProxyEventV2" | "LambdaFunctionURLEvent"
        )
    });
    of_lambda.then(|| vec!["aws.Event()"])
}

fn name_of<'a>(loaded: &'a Loaded, param: &Param) -> &'a str {
    match &param.pattern {
        Pattern::Name(symbol, _) => loaded.text(*symbol),
        _ => "",
    }
}
