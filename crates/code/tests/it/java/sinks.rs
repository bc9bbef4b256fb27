//! Where a request's value does harm, by class; `bar` is what the request brought.

use super::{Case, bad, check, good, servlet};

fn page(body: &str) -> Vec<(String, String)> {
    let body = format!(
        "        String bar = request.getParameter(\"q\");\n        try {{\n        {body}\n        }} catch (Exception e) {{ throw new ServletException(e); }}"
    );
    vec![("src/main/java/shop/pages/Page.java".to_owned(), servlet(&body, ""))]
}

const SQL: &[Case] = &[
    bad(
        "java.sql.Connection c = shop.Db.connection(); java.sql.PreparedStatement s = c.prepareStatement(\"SELECT a FROM t WHERE b='\" + bar + \"'\", java.sql.Statement.RETURN_GENERATED_KEYS); s.execute();",
    ),
    good(
        "java.sql.Connection c = shop.Db.connection(); java.sql.PreparedStatement s = c.prepareStatement(\"SELECT a FROM t WHERE b=?\"); s.setString(1, bar); s.execute();",
    ),
    bad(
        "java.sql.Connection c = shop.Db.connection(); java.sql.CallableStatement s = c.prepareCall(\"{call \" + bar + \"}\"); s.executeQuery();",
    ),
    good(
        "java.sql.Connection c = shop.Db.connection(); java.sql.CallableStatement s = c.prepareCall(\"{call find(?)}\"); s.setString(1, bar); s.executeQuery();",
    ),
    bad(
        "java.sql.Statement s = shop.Db.statement(); s.executeUpdate(\"INSERT INTO users VALUES ('\" + bar + \"')\", new int[] { 1, 2 });",
    ),
    bad(
        "java.sql.Statement s = shop.Db.statement(); s.addBatch(\"DELETE FROM t WHERE a='\" + bar + \"'\"); s.executeBatch();",
    ),
    bad(
        "org.springframework.jdbc.core.JdbcTemplate t = shop.Db.template(); t.queryForList(\"SELECT * FROM users WHERE name='\" + bar + \"'\");",
    ),
    good(
        "org.springframework.jdbc.core.JdbcTemplate t = shop.Db.template(); t.queryForList(\"SELECT * FROM users WHERE name=?\", bar);",
    ),
    bad(
        "org.springframework.jdbc.core.JdbcTemplate t = shop.Db.template(); t.batchUpdate(\"DELETE FROM users WHERE name='\" + bar + \"'\");",
    ),
    bad(
        "org.springframework.jdbc.core.JdbcTemplate t = shop.Db.template(); Long n = t.queryForObject(\"SELECT id FROM users WHERE name='\" + bar + \"'\", Long.class);",
    ),
    bad(
        "javax.persistence.EntityManager em = shop.Db.manager(); em.createQuery(\"select u from User u where u.name = '\" + bar + \"'\").getResultList();",
    ),
    good(
        "javax.persistence.EntityManager em = shop.Db.manager(); em.createQuery(\"select u from User u where u.name = :n\").setParameter(\"n\", bar).getResultList();",
    ),
    good(
        "java.sql.Statement s = shop.Db.statement(); s.executeQuery(\"SELECT a FROM t WHERE b=\" + Integer.parseInt(bar));",
    ),
];

const COMMAND: &[Case] = &[
    bad("Runtime r = Runtime.getRuntime(); Process p = r.exec(\"ping \" + bar);"),
    good("Runtime r = Runtime.getRuntime(); Process p = r.exec(\"ping localhost\");"),
    bad(
        "String[] args = { \"sh\", \"-c\", \"echo \" + bar }; ProcessBuilder b = new ProcessBuilder(args); b.start();",
    ),
    bad(
        "List<String> args = new ArrayList<String>(); args.add(\"sh\"); args.add(\"-c\"); args.add(\"echo \" + bar); ProcessBuilder b = new ProcessBuilder(); b.command(args); b.start();",
    ),
    good(
        "List<String> args = new ArrayList<String>(); args.add(\"sh\"); args.add(\"-c\"); args.add(\"uptime\"); ProcessBuilder b = new ProcessBuilder(args); b.start();",
    ),
    bad(
        "String[] cmd = { \"ls\" }; String[] env = { bar }; Runtime.getRuntime().exec(cmd, env, new java.io.File(System.getProperty(\"user.dir\")));",
    ),
    bad("new ProcessBuilder(\"sh\", \"-c\", \"echo \" + bar).start();"),
];

const PATH: &[Case] = &[
    bad("java.io.FileInputStream in = new java.io.FileInputStream(new java.io.File(\"/srv/files/\" + bar));"),
    good("java.io.FileInputStream in = new java.io.FileInputStream(new java.io.File(\"/srv/files/a\"));"),
    bad("java.io.FileOutputStream out = new java.io.FileOutputStream(\"/srv/\" + bar, false);"),
    bad(
        "java.nio.file.Path path = java.nio.file.Paths.get(\"/srv/\" + bar); java.io.InputStream in = java.nio.file.Files.newInputStream(path, java.nio.file.StandardOpenOption.READ);",
    ),
    bad("java.io.File file = new java.io.File(bar, \"/a.txt\"); if (file.exists()) { file.delete(); }"),
    good(
        "java.io.File file = new java.io.File(\"/srv\", bar); if (!file.getCanonicalPath().startsWith(\"/srv/\")) { return; } file.delete();",
    ),
    good(
        "java.io.File file = new java.io.File(\"/srv\", bar); String path = file.getCanonicalPath(); if (path.startsWith(\"/srv/\")) { new java.io.FileInputStream(file); }",
    ),
    good("java.io.File file = new java.io.File(\"/srv\", org.apache.commons.io.FilenameUtils.getName(bar));"),
    bad(
        "java.net.URI uri = new java.net.URI(\"file:///srv/\" + bar); boolean there = new java.io.File(uri).exists();",
    ),
    good(
        "java.nio.file.Path path = java.nio.file.Path.of(\"/srv\").resolve(bar).normalize(); if (!path.startsWith(\"/srv\")) { return; } java.nio.file.Files.readString(path);",
    ),
];

const XSS: &[Case] = &[
    bad("response.getWriter().println(bar);"),
    good("response.getWriter().println(org.owasp.esapi.ESAPI.encoder().encodeForHTML(bar));"),
    bad("response.getWriter().write(\"<p>\" + bar.toCharArray());"),
    bad("Object[] all = { \"a\", bar }; response.getWriter().format(\"%1$s and %2$s\", all);"),
    good("Object[] all = { \"a\", \"b\" }; response.getWriter().format(\"%1$s and %2$s\", all);"),
    bad("Object[] all = { \"a\", \"b\" }; response.getWriter().format(java.util.Locale.US, bar, all);"),
    bad("Object[] all = { bar, \"b\" }; response.getWriter().printf(\"%1$s\", all);"),
    bad("response.getWriter().append(\"<b>\").append(bar);"),
    bad("java.io.PrintWriter out = response.getWriter(); out.print(\"<b>\" + bar);"),
    good(
        "java.io.PrintWriter out = response.getWriter(); out.print(\"<b>\" + org.apache.commons.lang3.StringEscapeUtils.escapeHtml4(bar));",
    ),
    bad("PrintWriter out = new PrintWriter(response.getWriter()); out.println(\"<b>\" + bar);"),
    good("PrintWriter out = new PrintWriter(new StringWriter()); out.println(\"<b>\" + bar);"),
    good("response.setContentType(\"application/json\"); response.getWriter().write(\"{\\\"name\\\": 5}\");"),
    good("response.getWriter().println(bar.length());"),
    good("response.getWriter().println(org.springframework.web.util.HtmlUtils.htmlEscape(bar));"),
    good("response.getWriter().println(java.net.URLEncoder.encode(bar, \"UTF-8\"));"),
    bad("response.getOutputStream().println(bar);"),
];

const LDAP: &[Case] = &[
    bad(
        "javax.naming.directory.DirContext c = shop.Directory.context(); c.search(\"ou=users\", \"(&(uid=\" + bar + \"))\", new javax.naming.directory.SearchControls());",
    ),
    good(
        "javax.naming.directory.DirContext c = shop.Directory.context(); c.search(\"ou=users\", \"(&(uid={0}))\", new Object[] { bar }, new javax.naming.directory.SearchControls());",
    ),
    bad(
        "javax.naming.directory.DirContext c = shop.Directory.context(); javax.naming.directory.InitialDirContext i = (javax.naming.directory.InitialDirContext) c; Object[] f = { \"a\" }; i.search(\"ou=users\", \"(uid=\" + bar + \")\", f, new javax.naming.directory.SearchControls());",
    ),
    good(
        "javax.naming.directory.DirContext c = shop.Directory.context(); c.search(\"ou=users\", \"(uid=\" + org.owasp.esapi.ESAPI.encoder().encodeForLDAP(bar) + \")\", null);",
    ),
    good(
        "javax.naming.directory.DirContext c = shop.Directory.context(); c.search(\"ou=users\", \"(uid=\" + bar.length() + \")\", null);",
    ),
];

const XPATH: &[Case] = &[
    bad(
        "javax.xml.xpath.XPathFactory f = javax.xml.xpath.XPathFactory.newInstance(); javax.xml.xpath.XPath x = f.newXPath(); String r = x.evaluate(\"/all/one[@id='\" + bar + \"']\", shop.Docs.document());",
    ),
    good(
        "javax.xml.xpath.XPathFactory f = javax.xml.xpath.XPathFactory.newInstance(); javax.xml.xpath.XPath x = f.newXPath(); String r = x.evaluate(\"/all/one[@id='1']\", shop.Docs.document(bar));",
    ),
    bad(
        "javax.xml.xpath.XPath x = javax.xml.xpath.XPathFactory.newInstance().newXPath(); javax.xml.xpath.XPathExpression e = x.compile(\"//a[@n='\" + bar + \"']\");",
    ),
    good(
        "javax.xml.xpath.XPath x = javax.xml.xpath.XPathFactory.newInstance().newXPath(); javax.xml.xpath.XPathExpression e = x.compile(\"//a[@n='\" + org.owasp.esapi.ESAPI.encoder().encodeForXPath(bar) + \"']\");",
    ),
];

const TRUST: &[Case] = &[
    bad("request.getSession().setAttribute(\"user\", bar);"),
    good("request.getSession().setAttribute(\"user\", \"guest\");"),
    bad("request.getSession().putValue(bar, \"10\");"),
    bad(
        "javax.servlet.http.HttpSession session = request.getSession(true); session.setAttribute(bar, \"10\");",
    ),
    good(
        "javax.servlet.http.HttpSession session = request.getSession(true); session.setAttribute(\"n\", Integer.valueOf(bar));",
    ),
    good("request.setAttribute(\"user\", bar);"),
];

const REDIRECT: &[Case] = &[
    bad("response.sendRedirect(bar);"),
    good("response.sendRedirect(\"/items?q=\" + bar);"),
    bad("response.sendRedirect(\"https://\" + bar);"),
    good("response.sendRedirect(request.getContextPath() + \"/login\");"),
];

const CODE: &[Case] = &[
    bad(
        "javax.script.ScriptEngine e = new javax.script.ScriptEngineManager().getEngineByName(\"js\"); e.eval(bar);",
    ),
    good(
        "javax.script.ScriptEngine e = new javax.script.ScriptEngineManager().getEngineByName(\"js\"); e.put(\"a\", bar); e.eval(\"a + 1\");",
    ),
    bad(
        "org.springframework.expression.ExpressionParser p = new org.springframework.expression.spel.standard.SpelExpressionParser(); p.parseExpression(bar).getValue();",
    ),
    good(
        "org.springframework.expression.ExpressionParser p = new org.springframework.expression.spel.standard.SpelExpressionParser(); p.parseExpression(\"name\").getValue(bar);",
    ),
    bad("new groovy.lang.GroovyShell().evaluate(bar);"),
];

const FETCH: &[Case] = &[
    bad("new java.net.URL(bar).openStream();"),
    bad(
        "java.net.URL url = new java.net.URL(\"http://\" + bar); java.net.HttpURLConnection c = (java.net.HttpURLConnection) url.openConnection();",
    ),
    good(
        "java.net.URI uri = java.net.URI.create(bar); response.getWriter().println(uri.getPath().length());",
    ),
    good("new java.net.URL(\"https://api.example.com/items/\" + bar).openStream();"),
    bad("new org.springframework.web.client.RestTemplate().getForObject(bar, String.class);"),
    good(
        "new org.springframework.web.client.RestTemplate().getForObject(\"https://api.example.com/{q}\", String.class, bar);",
    ),
    bad("okhttp3.Request r = new okhttp3.Request.Builder().url(bar).build();"),
    bad(
        "java.net.http.HttpRequest r = java.net.http.HttpRequest.newBuilder(java.net.URI.create(\"http://\" + bar)).build();",
    ),
];

const OBJECTS: &[Case] = &[
    bad(
        "java.io.ObjectInputStream in = new java.io.ObjectInputStream(request.getInputStream()); in.readObject();",
    ),
    good(
        "java.io.ObjectInputStream in = new java.io.ObjectInputStream(new java.io.FileInputStream(\"/srv/state\")); in.readObject();",
    ),
    bad(
        "java.io.ObjectInputStream in = new java.io.ObjectInputStream(new java.io.ByteArrayInputStream(java.util.Base64.getDecoder().decode(bar))); in.readObject();",
    ),
];

#[test]
fn where_it_does_harm() {
    for (rule, cases) in [
        ("sql.injection", SQL),
        ("command.injection", COMMAND),
        ("path.traversal", PATH),
        ("xss.reflected", XSS),
        ("ldap.injection", LDAP),
        ("xpath.injection", XPATH),
        ("java.trust-boundary", TRUST),
        ("open-redirect", REDIRECT),
        ("code.injection", CODE),
        ("ssrf", FETCH),
        ("deserialisation", OBJECTS),
    ] {
        check(rule, cases, page);
    }
}
