"""Commands that do what a device does: `bootstrap bootstrap` and its secure variant."""

from __future__ import annotations

from typing import Final

import click
from click import UsageError

from bootstrap_project.cli.command import Argument, Command
from bootstrap_project.cli.errors import APIError, BadResponse
from bootstrap_project.cli.invocation import Invocation
from bootstrap_project.cli.messages import Credential, Request, Response, path_of

#: The shortest key of the secure endpoint, unless its setting says otherwise.
_USUAL_KEY_BYTES: Final = 12
_BOOTSTRAP: Final = ("clients", "bootstrap")
_EXTERNAL_ID: Final = Argument("external_id")
_EXTERNAL_KEY: Final = Argument("external_key", envvar="MG_EXTERNAL_KEY", kind="secret")
_CRYPTO_KEY: Final = Argument("crypto_key", envvar="MG_CRYPTO_KEY", kind="secret")


@click.command("bootstrap", Command, params=[_EXTERNAL_ID, _EXTERNAL_KEY])
def bootstrap(call: Invocation) -> None:
    """Print the configuration of a device, as the device gets it.

    magistrala-cli bootstrap bootstrap 01:6:0:sb:sa $MG_EXTERNAL_KEY
    """
    credential = Credential("Client", call.values["external_key"], "$MG_EXTERNAL_KEY")
    request = Request("GET", path_of(*_BOOTSTRAP, call.values["external_id"]), credential)
    call.output.document(call.send(request).document())


@bootstrap.command("secure", Command, params=[_EXTERNAL_ID, _EXTERNAL_KEY, _CRYPTO_KEY])
def bootstrap_secure(call: Invocation) -> None:
    """The same with the key and the configuration encrypted on the way.

    magistrala-cli bootstrap bootstrap secure 01:6:0:sb:sa $MG_EXTERNAL_KEY $MG_CRYPTO_KEY
    """  # noqa: D401 - help shows it below the other one.
    try:
        from bootstrap_project.security.transport_cipher import CipherError, decrypt, encrypt  # noqa: PLC0415 - for this command alone.
    except ImportError:
        raise UsageError("`bootstrap secure` needs the Python package cryptography") from None
    key = call.values["crypto_key"].encode("utf-8", "surrogateescape")
    external_key = call.values["external_key"].encode("utf-8", "surrogateescape")
    try:
        credential = Credential("Client", encrypt(key, external_key).hex(), "<encrypted external key in hexadecimal>")
    except CipherError as error:
        raise UsageError(f"<crypto_key> does not fit: {error}") from None
    try:
        answer = call.send(Request("GET", path_of(*_BOOTSTRAP, "secure", call.values["external_id"]), credential))
    except APIError as error:
        hints = ["the service may also have another crypto key (its MG_BOOTSTRAP_ENCRYPT_KEY)"]
        if len(external_key) < _USUAL_KEY_BYTES:
            hints.append(f"this endpoint takes keys of {_USUAL_KEY_BYTES} bytes or more, unless it is told otherwise")
        error.details = (*hints, *error.details)
        raise
    try:
        plaintext = decrypt(key, answer.body)
    except CipherError as error:
        raise BadResponse(f"the answer cannot be decrypted: {error}") from None
    call.output.document(_configuration(answer, plaintext))


def _configuration(answer: Response, plaintext: bytes) -> object:
    """Return the configuration in a decrypted answer; raises BadResponse.

    The cipher has no check of its own: a wrong key gives bytes that mean nothing.
    """
    try:
        document = answer._replace(body=plaintext).document()
    except BadResponse:
        document = None
    if not isinstance(document, dict) or "content" not in document:
        raise BadResponse(
            "the answer cannot be decrypted with this crypto key", "the service's is its MG_BOOTSTRAP_ENCRYPT_KEY"
        )
    return document


COMMANDS: Final = (bootstrap,)
