"""The Content-Type of a request decides about kinds of bodies, and never about an encoding."""

import io

import pytest

from bootstrap_project.wsgi import application
from bootstrap_project.wsgi_middleware.content_type import names_foreign_charset, without_charset


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("application/json", "application/json"),
        ("multipart/form-data; boundary=x", "multipart/form-data; boundary=x"),
        ("multipart/form-data; boundary=x; charset=utf-8", 'multipart/form-data; boundary="x"'),
        ('text/yaml; Charset="latin-1"; a="b;c"', 'text/yaml; a="b;c"'),
        ("text/plain; charset*=utf-8''hex", "text/plain"),
        ("text/plain; other*=nothing''x", ""),
        ("; charset=x", ""),
    ],
)
def test_the_charset_alone_is_taken_out(given, kept):
    assert without_charset(given) == kept


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("path", ["/clients/bootstrap/e1", "/static/x", "/d/clients/configs", "/admin/login/", "/nope"])
@pytest.mark.parametrize("parameter", ["charset=zlib", "charset=rot13", "charset=utf-7", "x*=nothing''a"])
def test_no_encoding_of_the_callers_choice_reaches_a_page(path, parameter):
    statuses = []
    environ = {
        "REQUEST_METHOD": "GET",
        "PATH_INFO": path,
        "QUERY_STRING": "q=%2B2AA-",
        "CONTENT_TYPE": f"text/plain; {parameter}",
        "SERVER_NAME": "localhost",
        "SERVER_PORT": "80",
        "HTTP_HOST": "localhost",
        "REMOTE_ADDR": "127.0.0.1",
        "wsgi.input": io.BytesIO(),
        "wsgi.errors": io.StringIO(),
        "wsgi.url_scheme": "http",
    }

    answer = application(environ, lambda status, *_: statuses.append(int(status[:3])))
    getattr(answer, "close", lambda: None)()

    assert statuses[0] < 500


@pytest.mark.parametrize(
    ("given", "is_foreign"),
    [
        *(("application/json", False), ("application/json; charset=utf-8", False), ('a/b; charset="UTF-8"', False)),
        *(("a/b;charset=utf8", False), ("a/b; charset=us-ascii", False), ("a/b; charset = utf-8 ; x=y", False)),
        *(("a/b; charset=latin-1", True), ('a/b; charset="iso-8859-1"', True), ("a/b; CHARSET=UTF-16", True)),
        *(("a/b; charset=windows-1252; x=y", True), ("a/b; charset=utf-8-sig", True)),
    ],
)
def test_a_charset_of_others_is_known(given, is_foreign):
    assert names_foreign_charset(given) is is_foreign
