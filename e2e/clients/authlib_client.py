"""authlib signs somebody in at a gate. Arguments: origin, name, password, client id, client secret."""

import re
import sys
from html import unescape
from urllib.parse import parse_qs, urljoin, urlparse

import requests
from authlib.integrations.requests_client import OAuth2Session
from authlib.jose import JsonWebKey, jwt

origin, name, password, client_id, client_secret = sys.argv[1:]
metadata = requests.get(f"{origin}/.well-known/openid-configuration", timeout=30).json()
assert metadata["issuer"] == origin


def follow(url):
    """Until the browser is sent away from the gate."""
    browser, form = requests.Session(), None
    for _ in range(20):
        headers = {"Accept": "text/html", "Sec-Fetch-Site": "same-origin" if form else "none"}
        if form:
            headers["Origin"] = origin
        answer = browser.request("POST" if form else "GET", url, data=form, headers=headers, allow_redirects=False, timeout=30)
        if "location" in answer.headers:
            url, form = urljoin(url, answer.headers["location"]), None
            if not url.startswith(origin):
                return url
            continue
        action, body = re.search(r'<form method="post" action="([^"]+)">(.*?)</form>', answer.text, re.S).groups()
        form = {}
        for field in re.findall(r"<input [^>]*>", body):
            value = re.search(r'value="([^"]*)"', field)
            form[re.search(r'name="([^"]+)"', field)[1]] = unescape(value[1]) if value else ""
        if "password" in form:
            form.update(name=name, password=password)
        if 'value="allow"' in body:
            form["decision"] = "allow"
        url = urljoin(url, unescape(action))
    raise SystemExit("too many steps")


session = OAuth2Session(
    client_id, client_secret, scope="openid profile email", redirect_uri="https://app.example/cb",
    code_challenge_method="S256", token_endpoint_auth_method="client_secret_basic",
)
verifier = "a" * 64
url, state = session.create_authorization_url(metadata["authorization_endpoint"], code_verifier=verifier, nonce="n-1")
back = follow(url)
assert parse_qs(urlparse(back).query)["iss"] == [origin]
token = session.fetch_token(metadata["token_endpoint"], authorization_response=back, code_verifier=verifier, state=state)
keys = JsonWebKey.import_key_set(requests.get(metadata["jwks_uri"], timeout=30).json())
claims = jwt.decode(token["id_token"], keys, claims_options={"iss": {"value": origin}, "aud": {"value": client_id}})
claims.validate()
assert claims["nonce"] == "n-1"
person = session.get(metadata["userinfo_endpoint"]).json()
assert person["sub"] == claims["sub"] and person["preferred_username"] == name, person
print("authlib signed in", person["preferred_username"])
