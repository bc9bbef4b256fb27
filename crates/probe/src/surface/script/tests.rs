use proptest::prelude::*;
use serde_json::json;

use super::*;

fn calls(text: &str) -> Vec<String> {
    let told = on_stack(text);
    told.calls.iter().map(|call| format!("{} {}", call.method, call.path)).collect()
}

/// A debug build wants the whole stack.
fn on_stack(text: &str) -> Told {
    let text = text.to_owned();
    let thread = std::thread::Builder::new().stack_size(gabion_syntax::STACK).spawn(move || read(&text));
    thread.unwrap().join().unwrap()
}

#[test]
fn calls_are_read_however_they_are_written() {
    for (text, found) in [
        ("fetch('/api/notes')", "GET /api/notes"),
        ("fetch(`/api/users/${user.id}`, {method: 'DELETE'})", "DELETE /api/users/{id}"),
        ("const base = '/api'; fetch(base + '/orders/' + e)", "GET /api/orders/{id}"),
        ("axios.post('/api/login', {user: u, remember: true})", "POST /api/login"),
        ("axios({url: '/api/a', method: 'put', data: {n: 1}})", "PUT /api/a"),
        ("$.ajax({type: 'POST', url: '/legacy/save.php'})", "POST /legacy/save.php"),
        ("$.getJSON('/list?page=' + n, done)", "GET /list"),
        ("var x = new XMLHttpRequest; x.open('PATCH', '/x/' + encodeURIComponent(name))", "PATCH /x/{name}"),
        ("new EventSource('/events')", "GET /events"),
        ("new WebSocket(`wss://${location.host}/live/${room}`)", "GET /live/{room}"),
        (
            "class A { constructor(h) { this.http = h, this.host = env.server + '/rest/user' } me() { return this.http.get(this.host + '/whoami') } }",
            "GET /rest/user/whoami",
        ),
        (
            "const api = {USERS: '/v1/users'}; client.get(`${api.USERS}/${id}/posts`)",
            "GET /v1/users/{id}/posts",
        ),
        ("fetch(\"\".concat(base, \"/api/items/\").concat(t.id))", "GET /api/items/{id}"),
        ("fetch(['/api', kind, 'all'].join('/'))", "GET /api/{kind}/all"),
        (
            "const send = async () => { const options = {method: 'POST', body: JSON.stringify({a: 1})}; await fetch('/send', options) }",
            "POST /send",
        ),
        ("this.http.request('PUT', '/api/q', {body: {z: 1}})", "PUT /api/q"),
        (
            "(()=>{\"use strict\";var e={1:(t,n)=>{n.d(t,{Z:()=>r});const r=e=>o.get(`/bundle/${e}`)}}})()",
            "GET /bundle/{id}",
        ),
    ] {
        assert!(calls(text).contains(&found.to_owned()), "{text}: {:?}", on_stack(text));
    }
}

#[test]
fn what_is_no_path_is_none() {
    for text in [
        "map.get('key')",
        "fetch('https://elsewhere.example/api/x')",
        "cache.delete('/' )",
        "a.get(x)",
        "fetch(url)",
        "post('text/html')",
        "q.get('//cdn.example/x')",
        "x.get('/a b')",
        "p.get('/{}/{}')",
    ] {
        assert_eq!(calls(text), [""; 0], "{text}");
    }
    assert_eq!(on_stack("const type = 'application/json', re = '/^a$/i', w = '/'").paths, BTreeSet::new());
}

#[test]
fn bodies_and_queries_have_their_fields() {
    let told = on_stack("axios.post('/login', {user: u, n: 3}, {params: {next: p}}); fetch('/s?a=1&b=' + c)");
    assert_eq!(told.calls[0].body, [("user".to_owned(), json!(null)), ("n".to_owned(), json!(3))]);
    assert_eq!(told.calls[0].query, ["next"]);
    assert_eq!(told.calls[1].query, ["a", "b"]);
}

#[test]
fn tables_of_routes_are_pages() {
    let told = on_stack(
        "const r = [{path: '', component: Home}, {path: 'administration', component: A, canActivate: [g]}, \
         {path: '/users/:id', element: x, children: [{path: 'posts', element: y}]}, {path: '**', component: N}]; save({path: '/tmp/x'})",
    );
    let views: Vec<&str> = told.views.iter().map(String::as_str).collect();
    assert_eq!(views, ["/administration", "/users/{id}", "/users/{id}/posts"]);
}

#[test]
fn a_text_that_is_no_program_has_its_strings() {
    let told = on_stack("function ( { '/api/one' \"/api/two/{x}\" don't");
    assert!(told.paths.contains("/api/one") && told.paths.contains("/api/two/{id}"), "{told:?}");
}

#[test]
fn documents_are_known_by_their_words() {
    let told = on_stack(
        "const Q = gql`query Me($id: ID!) { user(id: $id) { name } }`; const s = 'query string {x}'",
    );
    assert_eq!(told.documents.len(), 2);
    assert_eq!(on_stack("f()\n//# sourceMappingURL=main.js.map").map.as_deref(), Some("main.js.map"));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn any_text_is_read(text in "([a-z/{}$`'\"(),.+:=> ]|fetch\\(|'/api/|`/a/\\$\\{){0,60}") {
        let _ = on_stack(&text);
    }

    #[test]
    fn a_path_is_one(text in "[/a-z{}:?&=#. ]{0,40}") {
        if let Some((path, _)) = path_of(&text) {
            let (opened, closed) = (path.matches('{').count(), path.matches('}').count());
            prop_assert_eq!((path.starts_with('/'), opened), (true, closed));
            let _ = crate::operation::Operation::new("GET", &path, crate::operation::Provenance::Script);
        }
    }
}
