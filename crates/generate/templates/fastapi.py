from __future__ import annotations

import threading
import time
from dataclasses import dataclass
from typing import Annotated, Any

import jwt
from fastapi import Depends, HTTPException, Request

ISSUER = {{issuer}}
AUDIENCE = {{audience}}
KEYS = {{keys}}


@dataclass(frozen=True, slots=True)
class Identity:
    """Who is calling, as the gate says."""

    #: The account.
    subject: str
    name: str
    tenant: str
    roles: tuple[str, ...]
    groups: tuple[str, ...]
    #: By what it was shown.
    credential: str
    #: What a program may do; nothing for people.
    scopes: tuple[str, ...]
    #: The OAuth client that acts.
    client: str | None
    #: When the person behind it signed in (seconds since 1970), and how strongly.
    authenticated: int | None
    acr: str | None


class NotIdentified(Exception):
    """There is no identity that can be believed: answer with `status`."""

    def __init__(self, status: int) -> None:
        super().__init__("no valid identity" if status == 401 else "the keys cannot be had")
        self.status = status


class _Keys:
    """Fetched when a token names a key that is not known, at most every 30 seconds, and every ten minutes."""

    def __init__(self, url: str) -> None:
        self._client = jwt.PyJWKClient(url, cache_jwk_set=False, timeout=5)
        self._lock = threading.Lock()
        self._keys: dict[str, jwt.PyJWK] = {}
        self._fetched = float("-inf")
        self._tried = float("-inf")

    def key(self, kid: str) -> jwt.PyJWK:
        with self._lock:
            now = time.monotonic()
            stale = now - self._fetched > 600
            if (kid not in self._keys or stale) and now - self._tried > 30:
                self._tried = now
                try:
                    found = self._client.get_jwk_set(refresh=True).keys
                except (jwt.PyJWTError, ValueError):
                    raise NotIdentified(503) from None
                self._keys = {key.key_id: key for key in found if key.key_id is not None}
                self._fetched = now
            if now - self._fetched > 1200:
                raise NotIdentified(503)
            if kid not in self._keys:
                raise NotIdentified(401)
            return self._keys[kid]


_keys = _Keys(KEYS)


def identify(token: str) -> Identity:
    """Verifies the value of `Gabion-Identity`.

    Raises `NotIdentified` for whatever is wrong with it, and when the gate's keys cannot be had.
    """
    if not 0 < len(token) <= 16_384:
        raise NotIdentified(401)
    try:
        header = jwt.get_unverified_header(token)
        if header.get("typ") != "gabion-identity+jwt":
            raise NotIdentified(401)
        claims: dict[str, Any] = jwt.decode(
            token,
            _keys.key(_text(header.get("kid"))),
            algorithms=["ES256"],
            issuer=ISSUER,
            audience=AUDIENCE,
            leeway=5,
            options={"require": ["iss", "aud", "sub", "iat", "exp"], "strict_aud": True},
        )
        return Identity(
            subject=_text(claims["sub"]),
            name=_text(claims.get("name")),
            tenant=_text(claims.get("tenant")),
            roles=_texts(claims.get("roles")),
            groups=_texts(claims.get("groups", [])),
            credential=_text(claims.get("credential")),
            scopes=tuple(_text(claims.get("scope", "")).split()),
            client=_text(claims["client_id"]) if "client_id" in claims else None,
            authenticated=_whole(claims["auth_time"]) if "auth_time" in claims else None,
            acr=_text(claims["acr"]) if "acr" in claims else None,
        )
    except (jwt.PyJWTError, ValueError):
        raise NotIdentified(401) from None


def gabion_identity(request: Request) -> Identity:
    """Not `async`: FastAPI runs it beside the event loop, where keys may be fetched."""
    tokens = request.headers.getlist("gabion-identity")
    try:
        if len(tokens) != 1:
            raise NotIdentified(401)
        return identify(tokens[0])
    except NotIdentified as refused:
        detail = "Unauthorized" if refused.status == 401 else "Service Unavailable"
        raise HTTPException(refused.status, detail, headers={"cache-control": "no-store"}) from None


#: For handlers: `def orders(identity: CurrentIdentity) -> ...`. For all of them:
#: `FastAPI(dependencies=[Depends(gabion_identity)])`.
CurrentIdentity = Annotated[Identity, Depends(gabion_identity)]


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise ValueError("malformed claim")
    return value


def _texts(value: object) -> tuple[str, ...]:
    if not isinstance(value, list):
        raise ValueError("malformed claim")
    return tuple(_text(item) for item in value)


def _whole(value: object) -> int:
    if not isinstance(value, int) or isinstance(value, bool):
        raise ValueError("malformed claim")
    return value
