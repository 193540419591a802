"""The adapter over real sockets where the sandbox is too well-behaved: TLS, endless headers, endless redirects."""

from __future__ import annotations

import datetime
import socket
import ssl
import threading
import time
from typing import Any

import pytest
import requests
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from bootstrap_project.magistrala import client as client_module
from bootstrap_project.magistrala import transport
from bootstrap_project.magistrala.client import MagistralaClient, MagistralaURLs
from bootstrap_project.magistrala.errors import TimedOut, Unavailable
from bootstrap_project.magistrala.pooled import PooledConnections

OK = b'HTTP/1.1 200 OK\r\nContent-Length: 24\r\n\r\n{"id":"c","status":"on"}'


@pytest.fixture
def peer():
    """Start a peer that calls `answer(connection)` for each connection; return its port."""
    sockets = []

    def start(answer, context=None):
        listener = socket.create_server(("127.0.0.1", 0))
        sockets.append(listener)

        def serve():
            while True:
                try:
                    connection, _ = listener.accept()
                except OSError:
                    return
                try:
                    with context.wrap_socket(connection, server_side=True) if context else connection as stream:
                        while stream.recv(65536):
                            answer(stream)
                except OSError:
                    continue

        threading.Thread(target=serve, daemon=True).start()
        return listener.getsockname()[1]

    yield start
    for listener in sockets:
        listener.close()


@pytest.fixture(params=["requests", "pooled"], autouse=True)
def session(request, monkeypatch):
    """Every promise holds for both kinds of session."""
    if request.param == "pooled":
        monkeypatch.setattr(client_module, "new_session", PooledConnections)


#: For peers that never finish; all others have as long as a busy machine needs.
IMPATIENT: dict[str, Any] = {"connect_timeout": 1.0, "read_timeout": 0.5}


def client_for(port: int, scheme: str = "http", host: str = "127.0.0.1", **options: Any) -> MagistralaClient:
    base = f"{scheme}://{host}:{port}"
    urls = MagistralaURLs(clients=base, channels=base, domains=base, users=base, auth=base)
    return MagistralaClient(urls, **{"connect_timeout": 20.0, "read_timeout": 20.0, "retries": 0, **options})


@pytest.fixture(scope="module")
def certificate(tmp_path_factory):
    """Make a self-signed certificate for 127.0.0.1; return the path of certificate and key in one file."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "platform")])
    now = datetime.datetime.now(datetime.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    path = tmp_path_factory.mktemp("tls") / "platform.pem"
    path.write_bytes(
        made.public_bytes(Encoding.PEM) + key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    )
    return path


@pytest.fixture
def tls(certificate):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    return context


def test_certificate_that_nobody_vouches_for_is_refused(peer, tls):
    client = client_for(peer(lambda stream: stream.sendall(OK), tls), "https", "localhost", retries=2)

    with pytest.raises(Unavailable, match="MG_CA_BUNDLE") as caught:
        client.view_client("d", "c", "token")

    assert caught.value.permanent
    client.close()


def test_certificate_of_the_given_authority_is_accepted_for_its_own_name_only(peer, tls, certificate):
    port = peer(lambda stream: stream.sendall(OK), tls)
    client = client_for(port, "https", "localhost", verify=str(certificate))
    other = client_for(port, "https", "127.0.0.1", verify=str(certificate))

    assert client.view_client("d", "c", "token").id == "c"
    # The peer serves one connection at a time.
    client.close()
    with pytest.raises(Unavailable, match="certificate"):
        other.view_client("d", "c", "token")
    other.close()


def test_bundle_from_the_environment_is_not_believed(peer, tls, certificate, monkeypatch):
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(certificate))
    client = client_for(peer(lambda stream: stream.sendall(OK), tls), "https", "localhost")

    with pytest.raises(Unavailable, match="certificate"):
        client.view_client("d", "c", "token")
    client.close()


def test_deadline_holds_over_tls_as_well(peer, tls, certificate):
    def drip(stream):
        for byte in OK * 10:
            stream.sendall(bytes([byte]))
            time.sleep(0.05)

    client = client_for(peer(drip, tls), "https", "localhost", verify=str(certificate), **IMPATIENT)

    with pytest.raises(TimedOut):
        client.view_client("d", "c", "token")
    client.close()


@pytest.mark.parametrize(
    "endless",
    [
        (b"HTTP/1.1 200 OK\r\nX-Filler: ", b"x"),
        (b"HTTP/1.1 200 OK\r\n", b"X-F: 1\r\n"),
        (b"HTTP/1.1 100 Continue\r\n\r\n", b"HTTP/1.1 100 Continue\r\n\r\n"),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1;", b"y"),
        (b"HTTP/1.1 200 OK\r\n\r\n", b"z"),
        (b"HTTP/1.1 302 Found\r\nLocation: /x\r\n\r\n", b"z"),
    ],
)
def test_answer_that_never_ends_is_left_in_time(peer, endless):
    first, more = endless

    def drip(stream):
        stream.sendall(first)
        while True:
            stream.sendall(more)
            time.sleep(0.02)

    client = client_for(peer(drip), **IMPATIENT)

    with pytest.raises((TimedOut, Unavailable)):
        client.view_client("d", "c", "token")
    client.close()


@pytest.mark.parametrize("status", [b"200 OK", b"302 Found", b"500 Oops"])
def test_flood_is_cut_off_at_the_size_limit(peer, status):
    sent = []

    def flood(stream):
        stream.sendall(b"HTTP/1.1 " + status + b"\r\nLocation: /x\r\n\r\n")
        while True:
            sent.append(stream.send(b"x" * 65536))

    client = client_for(peer(flood), read_timeout=5.0, max_body=100_000)

    with pytest.raises(Unavailable, match="100000 bytes"):
        client.view_client("d", "c", "token")

    time.sleep(0.1)
    assert sum(sent) < 20_000_000
    client.close()


def test_connection_that_the_peer_closed_while_idle_is_replaced(peer):
    def once(stream):
        stream.sendall(OK)
        stream.close()

    client = client_for(peer(once), retries=1)

    for _ in range(3):
        assert client.view_client("d", "c", "token").id == "c"
        time.sleep(0.02)
    client.close()


def test_environment_and_netrc_do_not_change_a_request(peer, monkeypatch, tmp_path):
    asked: list[requests.PreparedRequest] = []
    original = transport.Transport._send

    def remember(self, service, prepared):
        asked.append(prepared)
        return original(self, service, prepared)

    (tmp_path / "netrc").write_text("machine 127.0.0.1 login thief password thief\n")
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    monkeypatch.setattr(transport.Transport, "_send", remember)
    client = client_for(peer(lambda stream: stream.sendall(OK)))

    assert client.view_client("d", "c", "token").id == "c"
    assert asked[0].headers["Authorization"] == "Bearer token"
    client.close()


@pytest.mark.parametrize(
    "answer",
    [
        (
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
            b'a\r\n{"id":"c",\r\ne;x=1\r\n"status":"on"}\r\n0\r\nT: 1\r\n\r\n'
        ),
        b"HTTP/1.1 100 Continue\r\n\r\n" + OK,
        OK.replace(b"HTTP/1.1", b"HTTP/1.0"),
        OK.replace(b"Content-Length", b"content-LENGTH"),
    ],
)
def test_every_way_to_frame_an_answer_is_understood_more_than_once(peer, answer):
    client = client_for(peer(lambda stream: stream.sendall(answer)), retries=1)

    for _ in range(2):
        assert client.view_client("d", "c", "token").id == "c"
        # The peer serves one connection at a time, so one that will not be used again must have been closed.
    client.close()


@pytest.mark.parametrize(
    "answer",
    [
        b"SMTP ready\r\n\r\n",
        OK.replace(b": 24", b": 25"),
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        b"",
    ],
)
def test_what_is_no_whole_answer_is_never_believed(peer, answer):
    def once(stream):
        stream.sendall(answer)
        stream.close()

    client = client_for(peer(once))

    with pytest.raises(Unavailable):
        client.view_client("d", "c", "token")
    client.close()
