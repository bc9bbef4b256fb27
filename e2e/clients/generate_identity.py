"""What was generated for FastAPI: `FOLDER PORT`; the keys are served at PORT."""

import json
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, HTTPServer

import jwt
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from fastapi import FastAPI
from fastapi.testclient import TestClient

folder, port = sys.argv[1:]
sys.path.insert(0, folder)
import gabion_identity as verifier  # noqa: E402

application = FastAPI()


@application.get("/me")
def me(identity: verifier.CurrentIdentity) -> dict[str, object]:
    return {"subject": identity.subject, "scopes": identity.scopes, "roles": identity.roles}


client = TestClient(application)
keys: list[dict[str, object]] = []


class Keys(BaseHTTPRequestHandler):
    def do_GET(self):
        body = json.dumps({"keys": keys}).encode()
        self.send_response(200)
        self.send_header("content-type", "application/json")
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *arguments):
        pass


def public(kid, key, algorithm):
    kind = jwt.algorithms.ECAlgorithm if algorithm == "ES256" else jwt.algorithms.RSAAlgorithm
    return {**kind.to_jwk(key.public_key(), as_dict=True), "kid": kid, "alg": algorithm, "use": "sig"}


first, second = (ec.generate_private_key(ec.SECP256R1()) for _ in range(2))
other = rsa.generate_private_key(65537, 2048)


def claims(**changes):
    now = int(time.time())
    known = {"iss": verifier.ISSUER, "aud": verifier.AUDIENCE, "sub": "u1", "iat": now, "exp": now + 300}
    known |= {"name": "Ada", "tenant": "t", "roles": ["user"], "credential": "session", "scope": "a b", **changes}
    return {name: value for name, value in known.items() if value is not None}


def sign(key, kid, algorithm="ES256", typ="gabion-identity+jwt", **changes):
    return jwt.encode(claims(**changes), key, algorithm=algorithm, headers={"kid": kid, "typ": typ})


wrong = 0


def expect(why, tokens, status):
    global wrong
    headers = [("gabion-identity", token) for token in tokens]
    answer = client.get("/me", headers=headers)
    if answer.status_code != status or (status == 200) != (answer.json().get("subject") == "u1"):
        print(f"{why}: {answer.status_code} instead of {status}", file=sys.stderr)
        wrong += 1
    return answer.json()


clock = time.monotonic
later = 0
verifier.time.monotonic = lambda: clock() + later
expect("keys that cannot be had", [sign(first, "first")], 503)
expect("still none", [sign(first, "first")], 503)
server = HTTPServer(("127.0.0.1", int(port)), Keys)
threading.Thread(target=server.serve_forever, daemon=True).start()
later = 31
keys[:] = [public("first", first, "ES256"), public("rsa", other, "RS256")]
good = sign(first, "first")
assert expect("a token", [good], 200) == {"subject": "u1", "scopes": ["a", "b"], "roles": ["user"]}
now = int(time.time())
head, _, signature = good.split(".")
changed = jwt.utils.base64url_encode(json.dumps(claims(sub="u2")).encode()).decode()
expect("none", [], 401)
expect("two", [good, good], 401)
expect("no token at all", ["Bearer"], 401)
expect("a changed signature", [good[:-6] + "AAAAAA"], 401)
expect("changed claims", [f"{head}.{changed}.{signature}"], 401)
expect("no algorithm", [sign(None, "first", "none")], 401)
expect("a secret", [sign("s" * 32, "first", "HS256")], 401)
expect("a key of another algorithm", [sign(other, "rsa", "RS256")], 401)
expect("another algorithm's key", [sign(first, "rsa")], 401)
expect("another issuer", [sign(first, "first", iss="https://evil.example")], 401)
expect("another application", [sign(first, "first", aud="other")], 401)
expect("past", [sign(first, "first", iat=now - 600, exp=now - 60)], 401)
expect("without end", [sign(first, "first", exp=None)], 401)
expect("without an account", [sign(first, "first", sub=None)], 401)
expect("an access token", [sign(first, "first", typ="at+jwt")], 401)
expect("roles that are none", [sign(first, "first", roles="admin")], 401)
expect("an unknown key", [sign(second, "second")], 401)
# A new key is asked for once half a minute has gone by, not before.
keys[:] = [public("second", second, "ES256")]
expect("a new key at once", [sign(second, "second")], 401)
later = 62
expect("a new key after a while", [sign(second, "second")], 200)
expect("the old key", [sign(first, "first")], 401)
print(f"fastapi: {wrong} wrong")
sys.exit(0 if wrong == 0 else 1)
