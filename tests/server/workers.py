"""What a running server is made of: its workers, and a certificate for it."""

import datetime
import re
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec


def workers_of(server):
    """Return the ids of its workers that are alive, from its log."""
    found = [int(number) for number in re.findall(r"Spawning worker-\d+ with PID: (\d+)", server.log())]
    return [number for number in found if Path(f"/proc/{number}").exists()]


def write_certificate(folder, name="localhost"):
    """Write a pair for a host, and return both paths."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
    now = datetime.datetime.now(datetime.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        .sign(key, hashes.SHA256())
    )
    paths = folder / "certificate.pem", folder / "key.pem"
    paths[0].write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    # The older form of key file, which upstream's users have.
    encoding, form = serialization.Encoding.PEM, serialization.PrivateFormat.TraditionalOpenSSL
    paths[1].write_bytes(key.private_bytes(encoding, form, serialization.NoEncryption()))
    return tuple(str(path) for path in paths)
