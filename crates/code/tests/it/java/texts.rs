//! Texts from which something was taken out, and answers that are no pages.

use super::{Case, bad, check, good, servlet};

fn page(body: &str) -> Vec<(String, String)> {
    let body = format!("        String param = request.getParameter(\"q\");\n        {body}");
    vec![("src/main/java/shop/pages/Page.java".to_owned(), servlet(&body, ""))]
}

const PAGES: &[Case] = &[
    bad("response.getWriter().println(param);"),
    bad("response.setContentType(\"text/html;charset=UTF-8\"); response.getWriter().println(param);"),
    good("response.setContentType(\"text/plain;charset=UTF-8\"); response.getWriter().println(param);"),
    good(
        "response.setContentType(\"application/json\"); PrintWriter out = response.getWriter(); out.write(\"name: \" + param); out.flush();",
    ),
    bad(
        "response.setContentType(request.isSecure() ? \"text/html\" : \"text/plain\"); response.getWriter().println(param);",
    ),
    good(
        "response.getWriter().println(param.replace(\"&\", \"&amp;\").replace(\"<\", \"&lt;\").replace(\">\", \"&gt;\"));",
    ),
    bad("response.getWriter().println(param.replace(\"&\", \"&amp;\"));"),
    good("response.getWriter().println(param.replaceAll(\"[<>]\", \"\"));"),
    good("response.getWriter().println(param.replaceAll(\"[^a-zA-Z0-9]\", \"_\"));"),
    bad("response.getWriter().println(param.replaceAll(\"<script>\", \"\"));"),
    good(
        "String clean = org.apache.commons.lang3.StringUtils.replace(param, \"<\", \"&lt;\"); response.getWriter().println(clean);",
    ),
];

const COMMANDS: &[Case] = &[
    good("Runtime.getRuntime().exec(\"sh -c \" + param.replaceAll(\"[^a-zA-Z0-9_-]\", \"\"));"),
    good("Runtime.getRuntime().exec(\"sh -c \" + param.replaceAll(\"\\\\W\", \"\"));"),
    bad("Runtime.getRuntime().exec(\"sh -c \" + param.replaceAll(\"[^a-z;|&]\", \"\"));"),
    bad("Runtime.getRuntime().exec(\"sh -c \" + param.replace(\"<\", \"&lt;\"));"),
    bad("Runtime.getRuntime().exec(\"sh -c \" + \"x\".replace(\"x\", param));"),
];

const LOGS: &[Case] = &[
    bad("org.slf4j.LoggerFactory.getLogger(\"a\").info(\"name {}\", param);"),
    good(
        "org.slf4j.LoggerFactory.getLogger(\"a\").info(\"name {}\", param.replaceAll(\"[\\r\\n]\", \"_\"));",
    ),
    good("org.slf4j.LoggerFactory.getLogger(\"a\").info(\"name {}\", param.replace('\\n', ' '));"),
    bad("org.slf4j.LoggerFactory.getLogger(\"a\").info(\"name {}\", param.replaceAll(\"[<>]\", \"\"));"),
];

#[test]
fn what_is_left_of_a_text() {
    check("xss.reflected", PAGES, page);
    check("command.injection", COMMANDS, page);
    check("java.log-injection", LOGS, page);
}
