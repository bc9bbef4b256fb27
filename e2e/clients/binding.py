"""Programs with certificates at a gate, and those who have the wrong ones.

Arguments: origin, authority of the gate, directory of `certificates.py`."""

import base64
import hashlib
import socket
import ssl
import subprocess
import sys
from pathlib import Path

import requests
from authlib.integrations.requests_client import OAuth2Session

origin, authority, directory = sys.argv[1:]
steps = []


def pair(name):
    return (f"{directory}/{name}.pem", f"{directory}/{name}.key") if name else None


def ask(method, url, certificate=None, **more):
    with requests.Session() as session:
        session.trust_env = False
        return session.request(method, url, cert=pair(certificate), verify=authority, timeout=30, **more)


def token(client, certificate=None, **more):
    form = {"client_id": client, "grant_type": "client_credentials", "scope": "orders", "resource": f"{origin}/api"}
    return ask("POST", f"{origin}/.gabion/oauth/token", certificate, data=form, **more)


def refused(client, certificate, **more):
    try:
        answer = token(client, certificate, **more)
    except (requests.exceptions.SSLError, requests.exceptions.ConnectionError):
        return "handshake"
    assert answer.status_code == 401 and answer.json()["error"] == "invalid_client", answer.text
    return "invalid_client"


def orders(bearer, certificate=None, **headers):
    headers = {"Authorization": f"Bearer {bearer}", **headers}
    return ask("GET", f"{origin}/api/orders", certificate, headers=headers)


metadata = ask("GET", f"{origin}/.well-known/openid-configuration").json()
methods = metadata["token_endpoint_auth_methods_supported"]
assert "tls_client_auth" in methods and "self_signed_tls_client_auth" in methods, methods
assert metadata["tls_client_certificate_bound_access_tokens"] is True
steps.append("discovery")

# tls_client_auth: the authority's word and the registered name.
answer = token("billing", "billing")
assert answer.status_code == 200, answer.text
bound = answer.json()["access_token"]
assert token("by-subject", "billing").status_code == 200
for certificate in [None, "shipping", "wildcard", "stranger", "self"]:
    assert refused("billing", certificate) == "invalid_client", certificate
for certificate in ["expired", "forged"]:
    assert refused("billing", certificate) == "handshake", certificate
with open(f"{directory}/billing.pem") as file:
    der = ssl.PEM_cert_to_DER_cert(file.read())
spoofed = {"Client-Cert": f":{base64.b64encode(der).decode()}:", "X-Client-Cert": "x", "X-Forwarded-For": "127.0.0.1"}
assert refused("billing", None, headers=spoofed) == "invalid_client"
steps.append("tls_client_auth")

# authlib's own implementation of it.
session = OAuth2Session("billing", token_endpoint_auth_method="none", scope="orders")
session.cert, session.verify, session.trust_env = pair("billing"), authority, False
fetched = session.fetch_token(metadata["token_endpoint"], grant_type="client_credentials")
assert fetched["token_type"] == "Bearer", fetched
steps.append("authlib")

# self_signed_tls_client_auth: the certificate itself.
assert token("pinned", "self").status_code == 200
for certificate in [None, "self-too", "billing"]:
    assert refused("pinned", certificate) == "invalid_client", certificate
steps.append("self_signed_tls_client_auth")

# The token is worth nothing without the certificate.
assert orders(bound, "billing").status_code == 200
for certificate in [None, "shipping", "stranger", "self"]:
    answer = orders(bound, certificate)
    assert answer.status_code == 401, (certificate, answer.status_code)
    assert 'error="invalid_token"' in answer.headers["www-authenticate"], answer.headers
assert orders(bound, None, **spoofed).status_code == 401
assert ask("GET", f"{origin}/api/orders", "billing", headers={"Authorization": f"DPoP {bound}"}).status_code == 401
steps.append("bound token")

# What the authorization server says of it.
form = {"client_id": "billing", "token": bound}
told = ask("POST", f"{origin}/.gabion/oauth/introspect", "billing", data=form).json()
thumbprint = base64.urlsafe_b64encode(hashlib.sha256(der).digest()).rstrip(b"=").decode()
assert told["active"] and told["cnf"] == {"x5t#S256": thumbprint}, told
form["client_id"] = "pinned"
told = ask("POST", f"{origin}/.gabion/oauth/introspect", "self", data=form).json()
assert told == {"active": False}, told
form["client_id"] = "api"
told = ask("POST", f"{origin}/.gabion/oauth/introspect", "shipping", data=form).json()
assert told["active"], told
steps.append("introspection")

resource = ask("GET", f"{origin}/.well-known/oauth-protected-resource/api").json()
assert resource["resource"] == f"{origin}/api" and resource["scopes_supported"] == ["orders"], resource
assert resource["tls_client_certificate_bound_access_tokens"] is True
challenge = ask("GET", f"{origin}/api/orders").headers["www-authenticate"]
assert f'resource_metadata="{origin}/.well-known/oauth-protected-resource/api"' in challenge, challenge
steps.append("metadata")

form = {"client_id": "billing", "token": bound}
assert ask("POST", f"{origin}/.gabion/oauth/revoke", "billing", data=form).status_code == 200
assert orders(bound, "billing").status_code == 401
steps.append("revocation")

# A stream ends with the certificate it was opened by, although the connection would go on.
maker = str(Path(__file__).with_name("certificates.py"))
subprocess.run([sys.executable, maker, directory, "short", "6"], check=True)
context = ssl.create_default_context(cafile=authority)
context.load_cert_chain(*pair("short"))
host, port = origin.removeprefix("https://").split(":")
with socket.create_connection((host, int(port))) as plain, context.wrap_socket(plain, server_hostname=host) as stream:
    stream.settimeout(60)
    stream.sendall(f"GET /stream/events HTTP/1.1\r\nHost: {host}:{port}\r\n\r\n".encode())
    head = stream.recv(65536)
    assert head.startswith(b"HTTP/1.1 200"), head
    while stream.recv(65536):
        pass
steps.append("stream")

print(", ".join(steps))
