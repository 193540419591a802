"""What travels to the service, and every way in which it can go wrong."""

import contextlib
import datetime
import json
import socket
import threading

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from bootstrap_project.cli.proxies import proxy_for
from bootstrap_project.security.transport_cipher import encrypt
from tests.cli.http_server import FakeServer, Reply

TOKEN = "the-operators-token"
CRYPTO_KEY = "0123456789abcdef"


def ok(_asked):
    return Reply()


def get(program, server, *more):
    return program("bootstrap", "get", "id", "dom", TOKEN, "-b", server.url, *more)


@pytest.fixture
def raw_server():
    """A function that starts a server which reads one request and then sends bytes, or nothing for None."""
    with contextlib.ExitStack() as stack:

        def start(answer):
            listening = stack.enter_context(socket.create_server(("127.0.0.1", 0)))
            done = threading.Event()

            def serve():
                connection, _ = listening.accept()
                with connection:
                    connection.recv(65536)
                    if answer is None:
                        done.wait(20)
                    else:
                        connection.sendall(answer)

            thread = threading.Thread(target=serve, daemon=True)
            thread.start()
            stack.callback(thread.join)
            stack.callback(done.set)
            return f"http://127.0.0.1:{listening.getsockname()[1]}"

        yield start


def test_json_travels_as_it_was_written(program):
    text = '{ "external_id" : "ä\\u00e4", "n": 1.0, "big": 123456789012345678901234567890, "a": 1, "a": 2 }'
    with FakeServer(lambda asked: Reply(201, headers={"Location": "/clients/configs/the-id"})) as server:
        done = program("bootstrap", "create", text, "dom", TOKEN, "-b", server.url)

    assert (done.code, done.out) == (0, "\ncreated: the-id\n\n")
    assert server.asked[0].body == text.encode()
    assert server.asked[0].headers["Content-Type"] == "application/json"
    assert server.asked[0].headers["Authorization"] == f"Bearer {TOKEN}"


@pytest.mark.parametrize("source", ["@file.json", "-"])
def test_json_from_elsewhere_travels_without_its_byte_order_mark(program, tmp_path, source):
    content = b'\xef\xbb\xbf{ "id":"i" }\r\n'
    (tmp_path / "file.json").write_bytes(content)
    with FakeServer(ok) as server:
        program("bootstrap", "update", "config", source, "dom", TOKEN, "-b", server.url, stdin=content).succeeded()

    assert server.asked[0].body == content[3:]
    assert server.asked[0].target == "/dom/clients/configs/i"


def test_bindings_travel_inside_of_their_object(program):
    with FakeServer(lambda asked: Reply(204, b"")) as server:
        program("bootstrap", "enrollments", "bind", "c", '[ {"slot":"s"} ]', "dom", TOKEN, "-b", server.url).succeeded()

    assert server.asked[0].body == b'{"bindings":[ {"slot":"s"} ]}'
    assert server.asked[0][:2] == ("PUT", "/dom/clients/bootstrap/enrollments/c/bindings")


def test_ids_are_percent_encoded(program):
    with FakeServer(ok) as server:
        program("bootstrap", "get", "a/../b?c#d", "do main", TOKEN, "-b", server.url + "/base/").succeeded()
        program("bootstrap", "get", "..", "dom", TOKEN, "-b", server.url).succeeded()

    assert [asked.target for asked in server.asked] == [
        "/base/do%20main/clients/configs/a%2F..%2Fb%3Fc%23d",
        "/dom/clients/configs/%2E%2E",
    ]


def test_arguments_left_out_come_from_the_environment(program):
    program.setenv(MG_TOKEN=f"Bearer {TOKEN}", MG_DOMAIN_ID="home", MG_EXTERNAL_KEY="device key")
    with FakeServer(ok) as server:
        program.setenv(MG_BOOTSTRAP_URL=server.url)
        program("bootstrap", "get", "id").succeeded()
        program("bootstrap", "get", "id", "away").succeeded()
        program("bootstrap", "bootstrap", "external").succeeded()

    assert [asked.target.split("/")[1] for asked in server.asked] == ["home", "away", "clients"]
    assert [asked.headers["Authorization"] for asked in server.asked] == [
        f"Bearer {TOKEN}",
        f"Bearer {TOKEN}",
        "Client device key",
    ]


def test_secrets_are_read_from_standard_input_line_by_line(program):
    answer = encrypt(CRYPTO_KEY.encode(), b'{"content":"x"}')
    with FakeServer(lambda asked: Reply(200, answer)) as server:
        done = program(
            "bootstrap", "bootstrap", "secure", "id", "-", "-", "-b", server.url, stdin=b"key\r\n0123456789abcdef"
        )

    assert done.succeeded().json == {"content": "x"}


@pytest.mark.parametrize("plaintext", [b"no JSON", b"[]", b'{"id":"x"}', b"\xff\xfe"])
def test_answer_that_does_not_decrypt_is_a_sentence(program, plaintext):
    with FakeServer(lambda asked: Reply(200, encrypt(CRYPTO_KEY.encode(), plaintext))) as server:
        done = program("bootstrap", "bootstrap", "secure", "id", "key", CRYPTO_KEY, "-b", server.url)

    done.failed(4, "the answer cannot be decrypted with this crypto key")
    assert done.out == ""


def test_answer_of_another_key_or_length_is_a_sentence(program):
    with FakeServer(lambda asked: Reply(200, encrypt(b"f" * 16, b'{"content":"x"}'))) as server:
        program("bootstrap", "bootstrap", "secure", "id", "key", CRYPTO_KEY, "-b", server.url).failed(4, "decrypted")
    with FakeServer(lambda asked: Reply(200, b"short")) as server:
        program("bootstrap", "bootstrap", "secure", "id", "key", CRYPTO_KEY, "-b", server.url).failed(4, "16 bytes")


@pytest.mark.parametrize(
    ("reply", "code", "said"),
    [
        (Reply(404, b'{"message":"entity not found"}'), 1, "error: Status: Not Found: entity not found\n"),
        (
            Reply(409, b'{"message":"m","error":"one\\ntwo","request_id":"r1"}'),
            1,
            "error: Status: Conflict: m\n  one\n  two\n  request id: r1\n",
        ),
        (Reply(500, b"", {"X-Request-ID": "r2"}), 1, "error: Status: Internal Server Error\n  request id: r2\n"),
        (
            Reply(502, b"<html>", {"Content-Type": "text/html"}),
            3,
            "error: Status: Bad Gateway\n  the answer is not the service's own: 6 bytes of text/html\n",
        ),
        (
            Reply(503, b'{"message":"down"}', {"Retry-After": "2"}),
            3,
            "error: Status: Service Unavailable: down\n  try again after: 2 s\n",
        ),
        (Reply(599, b'["x"]'), 1, "error: Status: 599\n  the answer is not the service's own"),
        (Reply(403, b'{"message":"\\u001b[2Jx\\u202ey"}'), 1, "error: Status: Forbidden: \\x1b[2Jx\\u202ey\n"),
        (Reply(400, b'{"message":"the-operators-token is odd"}'), 1, "error: Status: Bad Request: *** is odd\n"),
        (
            Reply(200, b"<html>", {"Content-Type": "text/html"}),
            4,
            "the answer is not JSON\n  it has 6 bytes of text/html",
        ),
        (Reply(200, b""), 4, "the answer is not JSON"),
        (Reply(200, b"[" * 100_000), 4, "the answer is not JSON"),
    ],
)
def test_answer_is_reported_in_full(program, reply, code, said):
    with FakeServer(lambda asked: reply) as server:
        done = get(program, server)

    done.failed(code, said)
    assert done.out == ""


def test_document_is_shown_and_not_obeyed(program):
    body = b'{"b":"\x7f\xc2\x9b\\u001b","a":"\xe2\x80\xae","half":"\\ud800","n":1.50,"e":1e400}'
    with FakeServer(lambda asked: Reply(200, body)) as server:
        done = get(program, server, "-r").succeeded()

    assert done.out == '{"a":"\\u202e","b":"\\u007f\\u009b\\u001b","e":1e400,"half":"\\ud800","n":1.50}\n'


@pytest.mark.parametrize(
    ("levels", "codes"), [(100, {0}), (800, {0, 4}), (900, {0, 4}), (980, {0, 4}), (1_000_000, {4})]
)
def test_depth_of_an_answer_is_never_a_crash(program, levels, codes):
    with FakeServer(lambda asked: Reply(200, b"[" * levels + b"]" * levels)) as server:
        done = get(program, server, "-r")

    assert done.code in codes
    assert "Traceback" not in done.err


def test_huge_list_is_printed_whole(program):
    rows = [{"id": f"{number:05}", "content": "x" * 500} for number in range(4_000)]

    def page(asked):
        query = dict(pair.split("=") for pair in asked.target.partition("?")[2].split("&"))
        start, limit = int(query["offset"]), int(query["limit"])
        return Reply(200, json.dumps({"configs": rows[start : start + limit], "total": len(rows)}).encode())

    with FakeServer(page) as server:
        done = program("bootstrap", "get", "--all", "dom", TOKEN, "-b", server.url).succeeded()

    assert done.json["configs"] == rows
    assert len(server.asked) == 41


def test_row_that_moves_between_pages_is_listed_once(program):
    pages = iter([[{"id": "a"}, {"id": "b"}], [{"id": "b"}, {"id": "c"}], []])

    with FakeServer(lambda asked: Reply(200, json.dumps({"profiles": next(pages)}).encode())) as server:
        done = program("bootstrap", "profiles", "get", "all", "--all", "-l2", "dom", TOKEN, "-b", server.url)

    assert [one["id"] for one in done.succeeded().json["profiles"]] == ["a", "b", "c"]


def test_connection_that_was_closed_between_pages_is_opened_again(program):
    pages = iter([Reply(200, b'{"configs":[{"id":"a"}]}'), Reply(None), Reply(200, b'{"configs":[]}')])

    with FakeServer(lambda asked: next(pages)) as server:
        done = program("bootstrap", "get", "--all", "-l1", "dom", TOKEN, "-b", server.url)

    assert done.succeeded().json["total"] == 1


def test_closed_connection_is_a_sentence_and_a_change_is_sent_once(program):
    with FakeServer(lambda asked: Reply(None)) as server:
        done = program("bootstrap", "remove", "id", "dom", TOKEN, "-b", server.url)

    done.failed(3, "cannot be reached", "the service may have done it all the same")
    assert len(server.asked) == 1


def test_slow_service_is_a_sentence(program, raw_server):
    url = raw_server(None)

    done = program("bootstrap", "get", "id", "dom", TOKEN, "-b", url, "--timeout", "0.2")

    done.failed(3, f"{url} gave no answer within 0.2 s")


def test_something_else_than_http_is_a_sentence(program, raw_server):
    url = raw_server(b"220 mail.example.com ESMTP\r\n")

    program("bootstrap", "get", "id", "dom", TOKEN, "-b", url).failed(3, "does not answer as an HTTP server does")


def test_cut_answer_is_a_sentence(program, raw_server):
    url = raw_server(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{}")

    program("bootstrap", "get", "id", "dom", TOKEN, "-b", url).failed(3, "ended too early")


def test_unknown_name_is_a_sentence(program):
    program("bootstrap", "get", "id", "dom", TOKEN, "-b", f"http://{'x' * 70}.localhost").failed(3, "is not known")


def test_redirect_on_the_same_host_is_followed(program):
    def answer(asked):
        moved = asked.target.startswith("/new")
        return Reply(200, b'{"id":"x"}') if moved else Reply(301, b"", {"Location": "/new" + asked.target})

    with FakeServer(answer) as server:
        assert get(program, server).succeeded().json == {"id": "x"}
        program("bootstrap", "remove", "id", "dom", TOKEN, "-b", server.url).failed(1, "Status: Moved Permanently")

    assert [asked.method for asked in server.asked] == ["GET", "GET", "DELETE"]


def test_token_goes_to_no_other_host(program):
    with FakeServer(ok) as other, FakeServer(lambda asked: Reply(307, b"", {"Location": other.url + "/x"})) as server:
        done = get(program, server)

    done.failed(1, f"it sends us to {other.url}/x", "--bootstrap-url")
    assert other.asked == []


def test_token_goes_over_no_other_scheme(program):
    def answer(asked):
        return Reply(307, b"", {"Location": f"https://{asked.headers['Host']}/x"})

    with FakeServer(answer) as server:
        get(program, server).failed(1, "it sends us to https://", "--bootstrap-url")

    assert len(server.asked) == 1


def test_endless_redirects_end(program):
    with FakeServer(lambda asked: Reply(302, b"", {"Location": asked.target})) as server:
        get(program, server).failed(3, "sent us on 6 times")


@pytest.fixture(scope="module")
def certificate(tmp_path_factory):
    """A certificate of 127.0.0.1 that nobody trusts, and its key: two names of files."""
    folder = tmp_path_factory.mktemp("certificate")
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")])
    now = datetime.datetime.now(datetime.UTC)
    made = (
        x509.CertificateBuilder(name, name, key.public_key(), 1)
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .sign(key, hashes.SHA256())
    )
    (folder / "cert.pem").write_bytes(made.public_bytes(serialization.Encoding.PEM))
    (folder / "key.pem").write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    return str(folder / "cert.pem"), str(folder / "key.pem")


def test_certificate_is_checked_unless_told_otherwise(program, certificate):
    with FakeServer(lambda asked: Reply(200, b'{"id":"x"}'), certificate=certificate) as server:
        get(program, server).failed(3, "is not trusted", "--insecure")
        done = get(program, server, "-i")

    assert done.succeeded().json == {"id": "x"}
    assert len(server.asked) == 1


def test_plain_http_where_tls_is_spoken_is_a_sentence(program):
    with FakeServer(ok) as server:
        done = program("bootstrap", "get", "id", "dom", TOKEN, "-b", server.url.replace("http:", "https:"))

    done.failed(3, "does not speak TLS as it should")


def test_address_is_found_in_its_order(program, tmp_path):
    def config(name, url):
        (tmp_path / name).write_text(f'user_token = ""\n[remotes]\nbootstrap_url = "{url}"\n')

    with (
        FakeServer(ok) as by_flag,
        FakeServer(ok) as by_file,
        FakeServer(ok) as by_variable,
        FakeServer(ok) as by_folder,
    ):
        line = ("bootstrap", "get", "id", "dom", TOKEN)
        config("config.toml", by_folder.url)
        config("mine.toml", by_file.url)
        found = program(*line)
        program.setenv(MG_BOOTSTRAP_URL=by_variable.url)
        program(*line).succeeded()
        program(*line, "--config", "mine.toml").succeeded()
        program(*line, "-c", "mine.toml", "-b", by_flag.url).succeeded()

    assert [len(server.asked) for server in (by_flag, by_file, by_variable, by_folder)] == [1, 1, 1, 1]
    # The file of the folder is nobody's choice, and the token goes where it says.
    assert found.code == 0
    assert found.err == (
        f"using {by_folder.url}, the address in config.toml of this folder; http: nothing is encrypted on the way\n"
    )


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_the_address_of_the_folder_is_reported_before_it_is_called(program, tmp_path, scheme):
    (tmp_path / "config.toml").write_text(f'[remotes]\nbootstrap_url = "{scheme}://127.0.0.1:9/boot"\n')

    done = program("bootstrap", "get", "id", "dom", TOKEN)

    assert done.code == 3
    first, second, *_ = done.err.splitlines()
    assert first.startswith(f"using {scheme}://127.0.0.1:9/boot, ")
    assert ("nothing is encrypted" in first) == (scheme == "http")
    assert second.startswith("error: ")
    assert TOKEN not in done.err


def test_config_of_something_else_is_passed_over(program, tmp_path):
    (tmp_path / "config.toml").write_text('title = "a web site"\n')
    program.setenv(MG_BOOTSTRAP_URL="")

    done = program("bootstrap", "get", "id", "dom", TOKEN, "--timeout", "0.001")

    done.failed(3, "http://localhost:9013")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["config.toml"]


@pytest.mark.parametrize("text", ["[remotes", "[remotes]\nbootstrap_url = 7", "\xff"])
def test_broken_config_is_a_sentence(program, tmp_path, text):
    (tmp_path / "config.toml").write_bytes(text.encode("latin-1"))

    program("bootstrap", "get", "id", "dom", TOKEN).failed(2, "config.toml")


def test_no_config_is_ever_made(program, tmp_path):
    program("bootstrap", "get", "id", "dom", TOKEN, "-b", "http://127.0.0.1:9")

    assert list(tmp_path.iterdir()) == []


def test_curl_command_can_be_run_and_hides_secrets(program):
    body = '{"external_id":"x","external_key":"very secret","name":"it\'s"}'
    with FakeServer(lambda asked: Reply(201, headers={"Location": "/clients/configs/i"})) as server:
        done = program("bootstrap", "create", body, "dom", TOKEN, "-b", server.url, "-x", "-r")

    assert done.out == "i\n"
    assert done.err == (
        "curl -sS -X POST -H \"Authorization: Bearer $MG_TOKEN\" -H 'Content-Type: application/json' --data-binary "
        '\'{"external_id": "x", "external_key": "***", "name": "it\'"\'"\'s"}\' '
        f"{server.url}/dom/clients/configs\n"
    )


@pytest.mark.parametrize(
    ("scheme", "host", "variables", "expected"),
    [
        ("http", "example.com", {}, None),
        ("http", "example.com", {"http_proxy": "http://proxy:3128"}, ("proxy", 3128)),
        ("http", "example.com", {"HTTP_PROXY": "proxy:3128"}, ("proxy", 3128)),
        ("https", "example.com", {"https_proxy": "http://proxy"}, ("proxy", 80)),
        ("https", "example.com", {"http_proxy": "http://proxy"}, None),
        ("https", "example.com", {"all_proxy": "http://proxy:1"}, ("proxy", 1)),
        ("http", "example.com", {"http_proxy": "http://proxy", "no_proxy": ".com"}, None),
        ("http", "localhost", {"http_proxy": "http://proxy"}, None),
        ("http", "127.0.0.2", {"http_proxy": "http://proxy"}, None),
        ("http", "::1", {"http_proxy": "http://proxy"}, None),
    ],
)
def test_proxy_is_chosen_as_usual(program, monkeypatch, scheme, host, variables, expected):
    for name, value in variables.items():
        monkeypatch.setenv(name, value)

    found = proxy_for(scheme, host, variables)

    assert (found and found[:2]) == expected
    assert not (found and found.headers)


def test_proxy_that_wants_a_password_gets_it(program, monkeypatch):
    monkeypatch.setenv("https_proxy", "http://u:p%40@proxy:3128")

    found = proxy_for("https", "example.com", {"https_proxy": "set"})

    assert found == ("proxy", 3128, {"Proxy-Authorization": "Basic dTpwQA=="}, "https_proxy")


def test_request_goes_through_the_proxy(program, monkeypatch):
    with FakeServer(ok) as proxy:
        monkeypatch.setenv("http_proxy", proxy.url)
        program("bootstrap", "get", "id", "dom", TOKEN, "-b", "http://bootstrap.invalid:9013").succeeded()

    assert proxy.asked[0].target == "http://bootstrap.invalid:9013/dom/clients/configs/id"
    assert proxy.asked[0].headers["Host"] == "bootstrap.invalid:9013"


def test_tls_goes_through_a_tunnel_of_the_proxy(program, monkeypatch, raw_server):
    monkeypatch.setenv("https_proxy", raw_server(b"HTTP/1.1 403 Forbidden\r\n\r\n"))

    done = program("bootstrap", "get", "id", "dom", TOKEN, "-b", "https://bootstrap.invalid:9013")

    done.failed(3, "https://bootstrap.invalid:9013 cannot be reached: Tunnel connection failed: 403 Forbidden")


def test_proxy_of_another_kind_is_a_mistake(program, monkeypatch):
    monkeypatch.setenv("http_proxy", "socks5://proxy:1080")

    program("bootstrap", "get", "id", "dom", TOKEN, "-b", "http://example.com").failed(2, "http://proxy:3128")
