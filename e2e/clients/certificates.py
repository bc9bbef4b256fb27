"""Makes client certificates of every kind in a directory.

Arguments: the directory; and for one more by its authority that ends soon, `short` and in how many seconds."""

import datetime
import sys
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

directory = Path(sys.argv[1])
NOW = datetime.datetime.now(datetime.timezone.utc).replace(tzinfo=None)
DAY = datetime.timedelta(days=1)


def name(common):
    return x509.Name(
        [
            x509.NameAttribute(NameOID.COUNTRY_NAME, "DE"),
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, "Example, Ltd"),
            x509.NameAttribute(NameOID.COMMON_NAME, common),
        ]
    )


def make(file, common, issuer=None, dns=None, authority=False, begin=NOW - DAY, end=NOW + DAY):
    key = ec.generate_private_key(ec.SECP256R1())
    by, signer = (issuer or (name(common), key))
    builder = x509.CertificateBuilder().subject_name(name(common)).issuer_name(by).public_key(key.public_key())
    builder = builder.serial_number(x509.random_serial_number()).not_valid_before(begin).not_valid_after(end)
    builder = builder.add_extension(x509.BasicConstraints(ca=authority, path_length=None), critical=True)
    if not authority:
        builder = builder.add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.CLIENT_AUTH]), critical=False)
    if dns:
        builder = builder.add_extension(x509.SubjectAlternativeName([x509.DNSName(dns)]), critical=False)
    certificate = builder.sign(signer, hashes.SHA256())
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    (directory / f"{file}.pem").write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    (directory / f"{file}.key").write_bytes(private)
    return name(common), key


if sys.argv[2:]:
    signer = serialization.load_pem_private_key((directory / "ca.key").read_bytes(), None)
    end = NOW + datetime.timedelta(seconds=int(sys.argv[3]))
    make("short", "billing", issuer=(name("Clients CA"), signer), dns="billing.internal", end=end)
    sys.exit()

ours = make("ca", "Clients CA", authority=True)
# One calls itself like ours; one does not.
twin = make("twin-ca", "Clients CA", authority=True)
theirs = make("other-ca", "Other CA", authority=True)
make("billing", "billing", issuer=ours, dns="billing.internal")
make("shipping", "shipping", issuer=ours, dns="shipping.internal")
make("wildcard", "wildcard", issuer=ours, dns="*.internal")
make("forged", "billing", issuer=twin, dns="billing.internal")
make("stranger", "billing", issuer=theirs, dns="billing.internal")
make("expired", "billing", issuer=ours, dns="billing.internal", begin=NOW - 9 * DAY, end=NOW - DAY)
# What `openssl req -x509` makes: signed by itself, and an authority by its own word.
make("self", "self", authority=True)
make("self-too", "self", authority=True)
