//! How a request's values arrive.

use super::{Case, bad, check, good, servlet};

const SOURCES: &[Case] = &[
    bad("String param = request.getParameter(\"a\"); if (param == null) param = \"\";"),
    good("String param = request.getParameter(\"a\"); param = \"\";"),
    bad(
        "String param = \"\"; if (request.getHeader(\"a\") != null) { param = request.getHeader(\"a\"); } param = java.net.URLDecoder.decode(param, \"UTF-8\");",
    ),
    bad(
        "String param = \"\"; Enumeration<String> all = request.getHeaders(\"a\"); if (all != null && all.hasMoreElements()) { param = all.nextElement(); } param = java.net.URLDecoder.decode(param, \"UTF-8\");",
    ),
    bad(
        "Map<String, String[]> map = request.getParameterMap(); String param = \"\"; if (!map.isEmpty()) { String[] values = map.get(\"a\"); if (values != null) param = values[0]; }",
    ),
    bad("String param = request.getParameterMap().get(\"a\")[0];"),
    bad(
        "String[] values = request.getParameterValues(\"a\"); String param; if (values != null && values.length > 0) param = values[0]; else param = \"\";",
    ),
    good(
        "String[] values = request.getParameterValues(\"a\"); String param; if (values != null && values.length > 0) param = \"y\"; else param = \"\";",
    ),
    bad(
        "String param = \"\"; boolean on = true; Enumeration<String> names = request.getParameterNames(); while (names.hasMoreElements() && on) { String name = (String) names.nextElement(); String[] values = request.getParameterValues(name); if (values != null) { for (int i = 0; i < values.length && on; i++) { String value = values[i]; if (value.equals(\"a\")) { param = name; on = false; } } } }",
    ),
    good(
        "String param = \"\"; boolean on = true; Enumeration<String> names = request.getParameterNames(); while (names.hasMoreElements() && on) { String name = (String) names.nextElement(); String[] values = request.getParameterValues(name); if (values != null) { for (int i = 0; i < values.length && on; i++) { String value = values[i]; if (value.equals(\"a\")) { param = value; on = false; } } } }",
    ),
    bad(
        "String param = \"none\"; Cookie[] cookies = request.getCookies(); if (cookies != null) { for (Cookie cookie : cookies) { if (cookie.getName().equals(\"a\")) { param = java.net.URLDecoder.decode(cookie.getValue(), \"UTF-8\"); break; } } }",
    ),
    good(
        "String param = \"none\"; Cookie[] cookies = request.getCookies(); if (cookies != null) { for (Cookie cookie : cookies) { if (cookie.getName().equals(\"a\")) { param = cookie.getName(); break; } } }",
    ),
    bad(
        "String query = request.getQueryString(); String name = \"a\" + \"=\"; int at = -1; if (query != null) at = query.indexOf(name); if (at == -1) { response.getWriter().println(\"no\"); return; } String param = query.substring(at + name.length()); int end = query.indexOf(\"&\", at); if (end != -1) { param = query.substring(at + name.length(), end); } param = java.net.URLDecoder.decode(param, \"UTF-8\");",
    ),
    bad("String param = request.getReader().readLine();"),
    bad("String param = request.getPathInfo().substring(1);"),
    bad("String param = new BufferedReader(new InputStreamReader(request.getInputStream())).readLine();"),
    bad("String param = request.getPart(\"file\").getSubmittedFileName();"),
    good("String param = request.getMethod();"),
    good("String param = request.getContextPath();"),
    good("String param = getServletContext().getInitParameter(\"a\");"),
    good("String param = String.valueOf(request.getContentLength());"),
    bad("Object value = request.getParameter(\"a\"); String param = (String) value;"),
    bad(
        "StringBuilder text = new StringBuilder(); String line; BufferedReader reader = request.getReader(); while ((line = reader.readLine()) != null) { text.append(line); } String param = text.toString();",
    ),
    bad(
        "String param = \"\"; Set<String> known = new HashSet<>(List.of(\"Host\")); Enumeration<String> names = request.getHeaderNames(); while (names.hasMoreElements()) { String name = names.nextElement(); if (known.contains(name)) { continue; } param = name; break; }",
    ),
    bad(
        "Object value = request.getParameter(\"a\"); String param = \"x\"; if (value instanceof String) param = (String) value; if (\"\".equals(param)) param = \"none\";",
    ),
    bad(
        "List<String> all = new ArrayList<>(); String os = System.getProperty(\"os.name\"); if (os.indexOf(\"Windows\") != -1) { all.add(\"cmd\"); all.add(\"/c\"); } else { all.add(\"sh\"); all.add(\"-c\"); } all.add(request.getParameter(\"a\")); String param = all.get(2);",
    ),
    good(
        "List<String> all = new ArrayList<>(); String os = System.getProperty(\"os.name\"); if (os.indexOf(\"Windows\") != -1) { all.add(\"cmd\"); all.add(\"/c\"); } else { all.add(\"sh\"); all.add(\"-c\"); } all.add(request.getParameter(\"a\")); String param = all.get(1);",
    ),
];

#[test]
fn sources_of_a_request() {
    check("command.injection", SOURCES, |body| {
        let body = format!("        {body}\n        Runtime.getRuntime().exec(\"sh -c \" + param);");
        vec![("src/main/java/shop/pages/Page.java".to_owned(), servlet(&body, ""))]
    });
}
