//! Pages of a tree: what a view hands over and the page prints as it came.

use crate::world::found;

const FLASK: &str = "from flask import Flask, render_template, render_template_string, request
from markupsafe import escape
app = Flask(__name__)
@app.get('/x')
def x():
    q = request.args['q']
";

fn flask(view: &str, page: &str) -> Vec<String> {
    found(&[("shop/app.py", &format!("{FLASK}    {view}\n")), ("shop/templates/a/b.html", page)])
}

#[test]
fn jinja() {
    let at = "xss.markup shop/templates/a/b.html:1";
    let cases = [
        ("return render_template('a/b.html', q=q)", "<p>{{ q }}</p>", None),
        ("return render_template('a/b.html', q=q)", "<p>{{ q|safe }}</p>", Some(at)),
        ("return render_template('a/b.html', q=escape(q))", "<p>{{ q|safe }}</p>", None),
        ("return render_template('a/b.html', q=int(q))", "<p>{{ q|safe }}</p>", None),
        ("return render_template('a/b.html', q='x')", "<p>{{ q|safe }}</p>", None),
        (
            "return render_template('a/b.html', rows=[{'t': q}])",
            "{% for r in rows %}{{ r.t|safe }}{% endfor %}",
            Some(at),
        ),
        (
            "return render_template('a/b.html', rows=[{'t': q, 'u': 'x'}])",
            "{% for r in rows %}{{ r.u|safe }}{% endfor %}",
            None,
        ),
        (
            "return render_template('a/b.html', **{'q': q})",
            "{% autoescape false %}{{ q }}{% endautoescape %}",
            Some(at),
        ),
        ("return render_template('c.html', q=q)", "<p>{{ q|safe }}</p>", None),
        ("return render_template('a/b.html', q=q)", "<p>{{ q|tojson|safe }}</p>", None),
        ("return render_template('a/b.html')", "<p>{{ request.args.q|safe }}</p>", Some(at)),
        ("return render_template_string('<p>{{ q|safe }}</p>', q=q)", "", Some("xss.markup shop/app.py:7")),
        ("return render_template_string('<p>{{ q }}</p>', q=q)", "", None),
    ];
    for (view, page, expected) in cases {
        assert_eq!(flask(view, page), Vec::from_iter(expected), "{view} {page}");
    }
}

#[test]
fn what_is_included_and_extended() {
    let app = format!("{FLASK}    return render_template('a.html', q=q)\n");
    let files = [
        ("app.py", app.as_str()),
        ("templates/a.html", "{% extends 'base.html' %}{% block b %}{% include 'row.html' %}{% endblock %}"),
        ("templates/base.html", "<title>{{ q|safe }}</title>{% include 'a.html' %}"),
        ("templates/row.html", "<p>\n{{ q|safe }}</p>"),
    ];
    assert_eq!(found(&files), ["xss.markup templates/base.html:1", "xss.markup templates/row.html:2"]);
}

#[test]
fn django_and_fastapi() {
    let page = ("shop/templates/shop/a.html", "<p>{{ user.name|safe }}</p>");
    let django = "from django.shortcuts import render\ndef view(request):\n    return render(request, 'shop/a.html', {'user': {'name': request.GET['n']}})\n";
    assert_eq!(found(&[("shop/views.py", django), page]), ["xss.markup shop/templates/shop/a.html:1"]);
    let fastapi = "from fastapi import FastAPI, Request\nfrom fastapi.templating import Jinja2Templates\napp = FastAPI()\ntemplates = Jinja2Templates(directory='templates')\n@app.get('/x')\ndef view(request: Request, n: str):\n    return templates.TemplateResponse(request, 'shop/a.html', {'user': {'name': n}})\n";
    assert_eq!(found(&[("shop/main.py", fastapi), page]), ["xss.markup shop/templates/shop/a.html:1"]);
}

#[test]
fn pages_of_java() {
    let start = "package shop;\nimport org.springframework.stereotype.Controller;\nimport org.springframework.ui.Model;\nimport org.springframework.web.bind.annotation.*;\n@Controller\nclass Pages {\n@GetMapping(\"/x\")\nString x(@RequestParam String q, Model model) {\n";
    let controller = format!("{start}model.addAttribute(\"q\", q);\nreturn \"found\";\n}}\n}}\n");
    let of = |page: &str, name: &str| found(&[("src/main/java/shop/Pages.java", &controller), (name, page)]);
    let page = "src/main/resources/templates/found.html";
    assert_eq!(of("<p th:text=\"${q}\"/>", page), [""; 0]);
    assert_eq!(of("<p th:utext=\"${q}\"/>", page), [format!("xss.markup {page}:1")]);
    assert_eq!(of("<p th:utext=\"${other}\"/>", page), [""; 0]);
    assert_eq!(of("<p th:utext=\"${q}\"/>", "src/main/resources/templates/lost.html"), [""; 0]);
    let page = "src/main/webapp/WEB-INF/found.jsp";
    assert_eq!(of("<p>${q}</p>", page), [format!("xss.markup {page}:1")]);
    assert_eq!(of("<p><c:out value=\"${q}\"/></p>", page), [""; 0]);
    assert_eq!(of("<p><%= request.getParameter(\"z\") %></p>", page), [format!("xss.markup {page}:1")]);
    assert_eq!(of("<p>${param.z}</p>", page), [format!("xss.markup {page}:1")]);
}
