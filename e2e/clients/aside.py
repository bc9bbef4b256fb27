"""Which connections are asked for a certificate. Arguments: port, authority of the gate, directory of
`certificates.py`."""

import json
import socket
import ssl
import sys

port, authority, directory = sys.argv[1:]


def ask(name, host, request, body=b"", certificate=None):
    """A request over a connection for `name` that says it is for `host`."""
    context = ssl.create_default_context(cafile=authority)
    if certificate:
        context.load_cert_chain(f"{directory}/{certificate}.pem", f"{directory}/{certificate}.key")
    head = f"{request} HTTP/1.1\r\nHost: {host}:{port}\r\nConnection: close\r\nContent-Length: {len(body)}\r\n"
    if body:
        head += "Content-Type: application/x-www-form-urlencoded\r\n"
    with socket.create_connection(("127.0.0.1", int(port))) as plain:
        with context.wrap_socket(plain, server_hostname=name) as stream:
            stream.settimeout(30)
            stream.sendall(head.encode() + b"\r\n" + body)
            answer = b""
            while part := stream.recv(65536):
                answer += part
    head, _, body = answer.partition(b"\r\n\r\n")
    return int(head.split(b" ")[1]), body


usual, aside = "localhost", "mtls.localhost"
status, body = ask(usual, usual, "GET /.well-known/openid-configuration")
alias = json.loads(body)["mtls_endpoint_aliases"]["token_endpoint"]
assert status == 200 and alias == f"https://{aside}:{port}/.gabion/oauth/token", body
form = b"client_id=billing&grant_type=client_credentials&scope="
token = "POST /.gabion/oauth/token"
status, body = ask(aside, aside, token, form, "billing")
assert status == 200, body
# Without being asked a client shows nothing; saying another host afterwards changes nothing.
for name, host in [(usual, usual), (usual, aside)]:
    status, body = ask(name, host, token, form, "billing")
    assert status == 401, (name, host, body)
assert ask(aside, aside, token, form)[0] == 401
# Nothing but the gate's own pages is there.
assert ask(aside, aside, "GET /public/page")[0] in (200, 404)
try:
    ask(aside, aside, token, form, "forged")
except (ssl.SSLError, ConnectionError):
    print("asked at mtls.localhost only")
