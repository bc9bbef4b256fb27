//! Files of MyBatis that say which query a method of an interface runs: their names hold the text of each, so that what the
//! method is given can be followed into it.
//!
//! `<mapper namespace="shop.Users"><select id="find">… '${name}'</select></mapper>` is the name `shop.Users.find` with that text.
//! Parts that are included stand in the text, and an item of a `foreach` is called what its list is called.

use gabion_finding::Span;
use gabion_syntax::Language;
use gabion_syntax::tree::{Expr, ExprKind, Function, Module, Pattern, Stmt, StmtKind, Symbol, Traits};

/// Queries of one file.
const QUERIES: usize = 2_000;
/// Bytes of a query.
const LONGEST: usize = 64 << 10;
/// Bytes of a comment.
const COMMENT: usize = 16 << 10;
/// Parts that are included in parts.
const DEEPEST: usize = 4;

/// Whether a file of that path may be one.
pub(crate) fn may_be(path: &str) -> bool {
    path.ends_with(".xml")
}

/// A module whose names are the methods; none where the file is another one.
pub(crate) fn module(text: &str) -> Option<Module> {
    let found = queries(text)?;
    let mut texts: Vec<Box<str>> = vec!["".into()];
    let mut body = Vec::new();
    for query in found {
        let mut symbol = |text: String| {
            texts.push(text.into_boxed_str());
            Symbol(u32::try_from(texts.len().saturating_sub(1)).unwrap_or(0))
        };
        let (name, value) = (symbol(query.name), symbol(query.text));
        let value = Expr { span: query.span, kind: ExprKind::String(value) };
        let pattern = Pattern::Name(name, query.span);
        let kind = StmtKind::Let { pattern, of_type: None, value: Some(value), constant: true };
        body.push(Stmt { span: query.span, kind });
    }
    let run = Function {
        name: None,
        span: Span::default(),
        head: Span::default(),
        params: Vec::new(),
        body,
        decorators: Vec::new(),
        returns: None,
        class: None,
        receiver: None,
        traits: Traits::default(),
        directives: Vec::new(),
    };
    Some(Module {
        language: Language::Java,
        texts,
        functions: vec![run],
        classes: Vec::new(),
        package: None,
        directives: Vec::new(),
    })
}

/// The queries of such a module: the method, the text, and where it stands.
pub(crate) fn read(module: &Module) -> Vec<(&str, &str, Span)> {
    let body = module.functions.first().map(|run| run.body.as_slice()).unwrap_or_default();
    let queries = body.iter().filter_map(|stmt| match &stmt.kind {
        StmtKind::Let { pattern: Pattern::Name(name, span), value: Some(value), .. } => match value.kind {
            ExprKind::String(text) => Some((module.text(*name), module.text(text), *span)),
            _ => None,
        },
        _ => None,
    });
    queries.collect()
}

/// A query, and where its element begins.
#[derive(Debug, PartialEq, Eq)]
struct Query {
    name: String,
    text: String,
    span: Span,
}

fn queries(text: &str) -> Option<Vec<Query>> {
    let root = element(text, "mapper", 0)?;
    let namespace = attribute(root.head, "namespace")?;
    let parts = elements(text, root.end, "sql");
    let mut found = Vec::new();
    for kind in ["select", "insert", "update", "delete"] {
        for one in elements(text, root.end, kind) {
            let Some(id) = attribute(one.head, "id") else { continue };
            if found.len() >= QUERIES {
                break;
            }
            let at = |offset: usize| u32::try_from(offset).unwrap_or(u32::MAX);
            let whole = completed(one.inside, &parts, DEEPEST);
            found.push(Query {
                name: format!("{namespace}.{id}"),
                text: renamed(whole),
                span: Span::new(at(one.start), at(one.end)),
            });
        }
    }
    Some(found)
}

struct Element<'a> {
    /// Where its head begins, and where that ends.
    start: usize,
    end: usize,
    head: &'a str,
    inside: &'a str,
    /// No element of that name ends behind it.
    open: bool,
}

/// The first element of that name from there on.
fn element<'a>(text: &'a str, name: &str, from: usize) -> Option<Element<'a>> {
    let open = format!("<{name}");
    let mut at = from;
    loop {
        let start = at.checked_add(text.get(at..)?.find(&open)?)?;
        let behind = start.checked_add(open.len())?;
        at = behind;
        let rest = text.get(behind..)?;
        if !rest.starts_with([' ', '\t', '\n', '\r', '>', '/']) || commented(text, start) {
            continue;
        }
        let length = rest.find('>')?;
        let end = behind.checked_add(length)?.checked_add(1)?;
        let head = rest.get(..length)?;
        if head.ends_with('/') {
            return Some(Element { start, end, head, inside: "", open: false });
        }
        let rest = text.get(end..)?;
        let inside = rest.find(&format!("</{name}>")).and_then(|length| rest.get(..length));
        return Some(Element {
            start,
            end,
            head,
            inside: inside.unwrap_or_default(),
            open: inside.is_none(),
        });
    }
}

fn elements<'a>(text: &'a str, from: usize, name: &str) -> Vec<Element<'a>> {
    let mut found = Vec::new();
    let mut at = from;
    while let Some(one) = element(text, name, at) {
        at = one.end.saturating_add(one.inside.len());
        let last = one.open || found.len() >= QUERIES;
        found.push(one);
        if last {
            break;
        }
    }
    found
}

fn commented(text: &str, at: usize) -> bool {
    let from = (at.saturating_sub(COMMENT)..=at).find(|from| text.is_char_boundary(*from)).unwrap_or(at);
    let before = text.get(from..at).unwrap_or_default();
    before.rfind("<!--").is_some_and(|open| before.get(open..).is_some_and(|rest| !rest.contains("-->")))
}

/// What an attribute of an element's head says.
fn attribute<'a>(head: &'a str, name: &str) -> Option<&'a str> {
    let mut rest = head;
    loop {
        let at = rest.find(name)?;
        let (before, behind) = (rest.get(..at)?, rest.get(at.checked_add(name.len())?..)?);
        rest = behind;
        let own = before.is_empty() || before.ends_with(|sign: char| sign.is_ascii_whitespace());
        let Some(value) = behind.trim_start().strip_prefix('=').filter(|_| own) else { continue };
        let value = value.trim_start();
        let quote = value.chars().next().filter(|sign| matches!(sign, '"' | '\''))?;
        return value.get(1..)?.split(quote).next();
    }
}

/// With the parts that it includes in their places.
fn completed(inside: &str, parts: &[Element<'_>], depth: usize) -> String {
    let mut whole = String::new();
    let mut at = 0_usize;
    while let Some(include) = element(inside, "include", at) {
        whole.push_str(inside.get(at..include.start).unwrap_or_default());
        at = include.end;
        let wanted = attribute(include.head, "refid").map(|id| id.rsplit('.').next().unwrap_or(id));
        let part = parts.iter().find(|part| wanted.is_some() && attribute(part.head, "id") == wanted);
        if let Some(part) = part.filter(|_| depth > 0 && whole.len() < LONGEST) {
            whole.push_str(&completed(part.inside, parts, depth.saturating_sub(1)));
        }
        if include.open {
            break;
        }
    }
    whole.push_str(inside.get(at..).unwrap_or_default());
    let end = (0..=whole.len().min(LONGEST)).rev().find(|end| whole.is_char_boundary(*end)).unwrap_or(0);
    whole.truncate(end);
    whole
}

/// An item of a list is called what the list is called.
fn renamed(text: String) -> String {
    let mut renamed = text;
    let mut at = 0_usize;
    for _ in 0..DEEPEST {
        let Some(each) = element(&renamed, "foreach", at) else { break };
        let (item, list) = (attribute(each.head, "item"), attribute(each.head, "collection"));
        at = each.end;
        if let (Some(item), Some(list)) = (item, list) {
            let (from, to) = (format!("${{{item}"), format!("${{{list}"));
            renamed = renamed.replace(&from, &to);
        }
    }
    renamed
}

/// The names that are put into a query as they are, not as parameters: `${name}`, each with what is taken of it: `user.name`.
pub(crate) fn pasted(text: &str) -> Vec<&str> {
    let mut found = Vec::new();
    for piece in text.split("${").skip(1) {
        let Some((name, _)) = piece.split_once('}') else { continue };
        let name = name.trim();
        if !name.is_empty() && name.len() < 200 && !found.contains(&name) {
            found.push(name);
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILE: &str = r#"<?xml version="1.0"?>
<!DOCTYPE mapper PUBLIC "-//mybatis.org//DTD Mapper 3.0//EN" "http://mybatis.org/dtd/mybatis-3-mapper.dtd">
<mapper namespace="shop.Users">
  <sql id="order">ORDER BY ${sort.column}</sql>
  <!-- <select id="old">SELECT ${x}</select> -->
  <select id="find" resultType='shop.User'>
    SELECT * FROM users WHERE name = #{name} AND kind = '${ kind }' <include refid="order"/>
  </select>
  <selectKey id="no">${no}</selectKey>
  <delete id="remove">DELETE FROM users WHERE id IN
    <foreach collection="ids" item="id" separator=",">${id}</foreach></delete>
  <insert id="empty"/>
</mapper>"#;

    #[test]
    fn queries_of_a_mapper() {
        let found = queries(FILE).unwrap();
        let names: Vec<(&str, Vec<&str>)> =
            found.iter().map(|query| (query.name.as_str(), pasted(&query.text))).collect();
        let expected = [
            ("shop.Users.find", vec!["kind", "sort.column"]),
            ("shop.Users.empty", vec![]),
            ("shop.Users.remove", vec!["ids"]),
        ];
        assert_eq!(names, expected);
        let find = found.first().unwrap();
        let place = FILE.get(find.span.start as usize..find.span.end as usize).unwrap();
        assert_eq!(place, "<select id=\"find\" resultType='shop.User'>");
    }

    #[test]
    fn other_files_are_none_and_hostile_ones_end() {
        assert!(queries("<project><name>a</name></project>").is_none());
        assert!(queries("<mapper>").is_none());
        assert!(queries("").is_none());
        let circle = "<mapper namespace=\"a\"><sql id=\"x\"><include refid=\"x\"/><include refid=\"x\"/></sql><select id=\"y\"><include refid=\"x\"/></select></mapper>";
        assert_eq!(queries(circle).unwrap().len(), 1);
        let many = format!("<mapper namespace=\"a\">{}</mapper>", "<select id=\"é\">${".repeat(5_000));
        assert!(queries(&many).unwrap().len() <= QUERIES);
        assert!(module(&many).is_some());
    }
}
