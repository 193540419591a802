"""Files as editors of Windows write them: a mark before the text is skipped, other encodings are named."""

import pytest
from click import UsageError

from bootstrap_project.cli.config import read_settings
from bootstrap_project.cli.inputs import StandardInput, read_json, read_text

CONFIG = '[remotes]\nbootstrap_url = "http://boot.example.com"\n'


@pytest.fixture
def file(tmp_path):
    def writing(text, encoding):
        path = tmp_path / "file"
        path.write_bytes(text.encode(encoding))
        return str(path)

    return writing


def test_a_byte_order_mark_is_skipped(file):
    document = read_json("@" + file('{"a": "ä"}', "utf-8-sig"), "JSON", dict, StandardInput())

    assert (document.body, document.value) == ('{"a": "ä"}'.encode(), {"a": "ä"})
    assert read_text(f"@{file('PEM', 'utf-8-sig')}", "cert", StandardInput()) == "PEM"
    assert read_settings({"config": file(CONFIG, "utf-8-sig")}, {}).url.hostname == "boot.example.com"


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-32"])
def test_another_encoding_is_named(file, encoding):
    name = encoding[:6].upper()

    with pytest.raises(UsageError, match=f"<JSON> is {name}; save it as UTF-8"):
        read_json("@" + file('{"a": 1}', encoding), "JSON", dict, StandardInput())
    with pytest.raises(UsageError, match=f"<cert> is {name}"):
        read_text(f"@{file('PEM text', encoding)}", "cert", StandardInput())
    with pytest.raises(UsageError, match=f"file is {name}"):
        read_settings({"config": file(CONFIG, encoding)}, {})
