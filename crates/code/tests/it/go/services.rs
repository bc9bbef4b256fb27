//! Origins, sockets, bodies and codes of services, with what looks like them and is harmless.

use super::check;

const BODY: &str = "go.body.unlimited";
const CODE: &str = "secret.compared-in-parts";

#[test]
fn bodies() {
    check(&[
        ("io", "b, _ := io.ReadAll(r.Body); use(b)", BODY),
        ("io", "b, _ := io.ReadAll(io.LimitReader(r.Body, 1<<20)); use(b)", ""),
        ("io net/http", "b, _ := io.ReadAll(http.MaxBytesReader(w, r.Body, 1<<20)); use(b)", ""),
        (
            "io net/http",
            "res, _ := http.Get(\"https://example.com/\"); b, _ := io.ReadAll(res.Body); use(b)",
            "",
        ),
        ("io os", "f, _ := os.Open(\"a.txt\"); b, _ := io.ReadAll(f); use(b)", ""),
    ]);
}

#[test]
fn codes_and_secrets() {
    check(&[
        (
            "crypto/hmac crypto/sha256",
            "m := hmac.New(sha256.New, key); if string(m.Sum(nil)) == given { use(m) }",
            CODE,
        ),
        (
            "crypto/hmac crypto/sha256",
            "m := hmac.New(sha256.New, key); if hmac.Equal(m.Sum(nil), given) { use(m) }",
            "",
        ),
        ("crypto/sha256 bytes", "m := sha256.New(); if bytes.Equal(m.Sum(nil), given) { use(m) }", ""),
        ("os", "if r.Header.Get(\"X-Key\") == os.Getenv(\"KEY\") { use(r) }", CODE),
        ("os", "if os.Getenv(\"MODE\") == \"dev\" { use(r) }", ""),
        ("os", "if os.Getenv(\"KEY\") == \"\" { use(r) }", ""),
    ]);
}

#[test]
fn who_may_read() {
    check(&[
        (
            "",
            "w.Header().Set(\"Access-Control-Allow-Origin\", r.Header.Get(\"Origin\"))",
            "cors.reflect-origin",
        ),
        (
            "",
            "o := r.Header.Get(\"Origin\"); if o != \"https://a.example\" { return }; w.Header().Set(\"Access-Control-Allow-Origin\", o)",
            "",
        ),
        ("", "w.Header().Set(\"X-Request-Id\", r.Header.Get(\"X-Request-Id\"))", ""),
        (
            "github.com/gorilla/websocket net/http",
            "u := websocket.Upgrader{CheckOrigin: func(r *http.Request) bool { return true }}; u.Upgrade(w, r, nil)",
            "go.websocket.any-origin",
        ),
        (
            "github.com/gorilla/websocket net/http",
            "u := websocket.Upgrader{CheckOrigin: func(r *http.Request) bool { return known(r) }}; u.Upgrade(w, r, nil)",
            "",
        ),
        ("github.com/rs/cors", "cors.New(cors.Options{AllowedOrigins: []string{\"*\"}})", ""),
        (
            "github.com/rs/cors",
            "cors.New(cors.Options{AllowedOrigins: []string{\"*\"}, AllowCredentials: true})",
            "go.cors.open",
        ),
    ]);
}
