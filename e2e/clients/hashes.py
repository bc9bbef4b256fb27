"""One password, hashed by the programs whose people are taken over: label and stored form as JSON."""

import base64
import hashlib
import json
import os
import sys

import argon2
import argon2.low_level
import bcrypt
from django.conf import settings

PASSWORD, PEPPER = sys.argv[1], sys.argv[2]

HASHERS = {
    "django-pbkdf2": "PBKDF2PasswordHasher",
    "django-pbkdf2-sha1": "PBKDF2SHA1PasswordHasher",
    "django-argon2": "Argon2PasswordHasher",
    "django-bcrypt-sha256": "BCryptSHA256PasswordHasher",
    "django-bcrypt": "BCryptPasswordHasher",
    "django-scrypt": "ScryptPasswordHasher",
}
settings.configure(PASSWORD_HASHERS=[f"django.contrib.auth.hashers.{name}" for name in HASHERS.values()])

from django.contrib.auth.hashers import get_hashers  # noqa: E402  (needs the settings)


def text(value):
    return base64.b64encode(value).decode()


def keycloak(algorithm, iterations, value, salt, more):
    credential = {"hashIterations": iterations, "algorithm": algorithm, "additionalParameters": more}
    secret = {"value": text(value), "salt": text(salt), "additionalParameters": {}}
    return {"type": "password", "credentialData": json.dumps(credential), "secretData": json.dumps(secret)}


password = PASSWORD.encode()
salt = os.urandom(16)
kinds = {"hashLength": ["32"], "memory": ["7168"], "type": ["id"], "version": ["1.3"], "parallelism": ["1"]}
raw = argon2.low_level.hash_secret_raw(password, salt, 5, 7168, 1, 32, argon2.low_level.Type.ID)
print(
    json.dumps(
        {
            "django": {
                label: hasher.encode(PASSWORD, hasher.salt())
                for label, hasher in zip(HASHERS, get_hashers(), strict=True)
            },
            "plain": {
                "bcrypt": bcrypt.hashpw(password, bcrypt.gensalt(10)).decode(),
                "argon2-cffi": argon2.PasswordHasher().hash(PASSWORD),
            },
            "devise": bcrypt.hashpw((PASSWORD + PEPPER).encode(), bcrypt.gensalt(10, prefix=b"2a")).decode(),
            "keycloak": {
                "keycloak-sha512": keycloak(
                    "pbkdf2-sha512", 210000, hashlib.pbkdf2_hmac("sha512", password, salt, 210000, 64), salt, {}
                ),
                "keycloak-sha256": keycloak(
                    "pbkdf2-sha256", 27500, hashlib.pbkdf2_hmac("sha256", password, salt, 27500, 64), salt, {}
                ),
                "keycloak-argon2": keycloak("argon2", 5, raw, salt, kinds),
            },
        }
    )
)
