"""Which client programs are installed."""

from importlib.metadata import version

for name in ["aiosmtpd", "argon2-cffi", "authlib", "django", "scim2-tester"]:
    print(name, version(name))
