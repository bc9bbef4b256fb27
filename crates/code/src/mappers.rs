//! Files of MyBatis that say which query a method of an interface runs: their names hold the text of each, so that what the
//! method is given can be followed into it.
//!
//! `<mapper namespace="shop.Users"><select id="find">… '${name}'</select></mapper>` is the name `shop.Users.find` with that text.
//! Parts that are included stand in the text, and an item of a `foreach` is called what its list is called.

use std::collections::HashMap;

use gabion_finding::Span;
use gabion_syntax::tree::{ExprKind, Module, Pattern, StmtKind};

use crate::settings;

/// Queries of one file.
const QUERIES: usize = 2_000;
/// Bytes of a query.
const LONGEST: usize = 64 << 10;
/// Bytes of a name that is put in place of another.
const NAME: usize = 200;
/// Parts that are included in all queries of a file together.
const INCLUDED: usize = 20_000;
/// Parts that are included in parts.
const DEEPEST: usize = 4;

/// Whether a file of that path may be one.
pub(crate) fn may_be(path: &str) -> bool {
    path.ends_with(".xml")
}

/// A module whose names are the methods; none where the file is another one.
pub(crate) fn module(text: &str) -> Option<Module> {
    let found = queries(text)?.into_iter();
    Some(settings::constants(found.map(|query| (query.name, query.text, query.span, query.span))))
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
    if !text.contains("<mapper") {
        return None;
    }
    let text = &uncommented(text);
    let root = element(text, "mapper", 0)?;
    let namespace = attribute(root.head, "namespace")?;
    let parts: HashMap<&str, &str> = elements(text, root.end, "sql")
        .iter()
        .filter_map(|part| Some((attribute(part.head, "id")?, part.inside)))
        .collect();
    let mut found = Vec::new();
    let mut left = INCLUDED;
    for kind in ["select", "insert", "update", "delete"] {
        for one in elements(text, root.end, kind) {
            let Some(id) = attribute(one.head, "id") else { continue };
            if found.len() >= QUERIES {
                break;
            }
            let at = |offset: usize| u32::try_from(offset).unwrap_or(u32::MAX);
            let mut whole = String::new();
            complete(&mut whole, one.inside, &parts, DEEPEST, &mut left);
            found.push(Query {
                name: format!("{namespace}.{id}"),
                text: renamed(whole),
                span: Span::new(at(one.start), at(one.end)),
            });
        }
    }
    Some(found)
}

/// Spaces in the places of comments; all else stays where it is.
fn uncommented(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, behind)) = rest.split_once("<!--") {
        let after = behind.split_once("-->").map_or("", |(_, after)| after);
        let length = rest.len().saturating_sub(before.len()).saturating_sub(after.len());
        plain.push_str(before);
        plain.extend(std::iter::repeat_n(' ', length));
        rest = after;
    }
    plain.push_str(rest);
    plain
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
        if !rest.starts_with([' ', '\t', '\n', '\r', '>', '/']) {
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

/// Adds a text with the parts that it includes in their places, while `left` of them may be.
fn complete(whole: &mut String, inside: &str, parts: &HashMap<&str, &str>, depth: usize, left: &mut usize) {
    let mut at = 0_usize;
    while whole.len() < LONGEST
        && *left > 0
        && let Some(include) = element(inside, "include", at)
    {
        *left = left.saturating_sub(1);
        add(whole, inside.get(at..include.start).unwrap_or_default());
        at = include.end;
        let wanted = attribute(include.head, "refid").map(|id| id.rsplit('.').next().unwrap_or(id));
        if let Some(part) = wanted.and_then(|wanted| parts.get(wanted)).filter(|_| depth > 0) {
            complete(whole, part, parts, depth.saturating_sub(1), left);
        }
        if include.open {
            break;
        }
    }
    add(whole, inside.get(at..).unwrap_or_default());
}

/// Adds what there is room for.
fn add(whole: &mut String, text: &str) {
    let room = LONGEST.saturating_sub(whole.len()).min(text.len());
    let end = (0..=room).rev().find(|end| text.is_char_boundary(*end)).unwrap_or(0);
    whole.push_str(text.get(..end).unwrap_or_default());
}

/// An item of a list is called what the list is called.
fn renamed(text: String) -> String {
    let mut renamed = text;
    let mut at = 0_usize;
    for _ in 0..DEEPEST {
        let Some(each) = element(&renamed, "foreach", at) else { break };
        let name = |of: &str| attribute(each.head, of).filter(|name| (1..=NAME).contains(&name.len()));
        let (item, list) = (name("item"), name("collection"));
        at = each.end;
        if let (Some(item), Some(list)) = (item, list) {
            let (from, to) = (format!("${{{item}"), format!("${{{list}"));
            let longer = renamed.replace(&from, &to);
            renamed.clear();
            add(&mut renamed, &longer);
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
        // Parts of parts of parts without a word in them, and one that includes itself again and again.
        let many: String = "<include refid=\"x\"/>".repeat(10_000);
        let circle = format!(
            "<mapper namespace=\"a\"><sql id=\"x\">{many}</sql><select id=\"y\">{many}</select></mapper>"
        );
        assert_eq!(queries(&circle).unwrap().len(), 1);
        // Names that would grow a text beyond any bound.
        let long = "l".repeat(30_000);
        for item in ["", "i"] {
            let each = format!("<foreach item=\"{item}\" collection=\"{long}\">").repeat(2);
            let text = format!(
                "<mapper namespace=\"a\"><select id=\"y\">{each}{}</select></mapper>",
                "${i}".repeat(10_000)
            );
            assert!(queries(&text).unwrap().iter().all(|query| query.text.len() <= LONGEST));
        }
        let short = format!(
            "<mapper namespace=\"a\"><select id=\"y\"><foreach item=\"i\" collection=\"{}\">{}</select></mapper>",
            "l".repeat(200),
            "${i}".repeat(10_000)
        );
        assert!(queries(&short).unwrap().iter().all(|query| query.text.len() <= LONGEST));
        let commented = format!("<mapper namespace=\"a\"><!--{}", "<select id=\"y\">".repeat(100_000));
        assert!(queries(&commented).unwrap().is_empty());
        let many = format!("<mapper namespace=\"a\">{}</mapper>", "<select id=\"é\">${".repeat(5_000));
        assert!(queries(&many).unwrap().len() <= QUERIES);
        assert!(module(&many).is_some());
    }
}
