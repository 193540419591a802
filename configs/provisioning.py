"""What an installer puts into a device: where it asks, who it is, and a key made here; as text and as a QR code."""

from __future__ import annotations

import json
import secrets
from dataclasses import dataclass, field
from io import BytesIO
from typing import Final

import segno
from django.utils.safestring import SafeString

#: No I, O, 0 and 1: whoever types a key from paper cannot mistake one for another.
KEY_ALPHABET: Final = "ABCDEFGHJKLMNPQRSTUVWXYZ23456789"
KEY_LENGTH: Final = 32
_GROUP: Final = 4


def generate_external_key() -> str:
    """Return a new external key: 32 letters and digits of 32, so 160 random bits.

    Shape: neither signs nor spaces, so that a double click marks it whole and no shell or header changes it.
    """
    return "".join(secrets.choice(KEY_ALPHABET) for _ in range(KEY_LENGTH))


@dataclass(frozen=True, slots=True)
class Installation:
    """What a device needs to fetch its configuration; its `repr` does not hold the key."""

    url: str
    external_id: str
    external_key: str = field(repr=False)

    @property
    def key_groups(self) -> list[str]:
        """Return the key in pieces of four, as people read it aloud; joined they are the key."""
        return [self.external_key[start : start + _GROUP] for start in range(0, len(self.external_key), _GROUP)]

    def payload(self) -> str:
        """Return what the QR code holds: compact JSON.

        Shape: `v` is 1; `url` is where the device asks, with its id; `external_id`; `external_key`, to be sent as
        `Authorization: Client KEY`.
        """
        members = {"v": 1, "url": self.url, "external_id": self.external_id, "external_key": self.external_key}
        return json.dumps(members, ensure_ascii=False, separators=(",", ":"))

    def qr_code(self) -> SafeString:
        """Return the QR code as SVG without inline style; "" for ids so long that no code holds them.

        Source: ISO/IEC 18004; a light border of four modules belongs to the code.
        """
        try:
            code = segno.make_qr(self.payload(), error="m")
        except segno.DataOverflowError:
            return SafeString("")
        drawn = BytesIO()
        code.save(
            drawn, kind="svg", xmldecl=False, svgns=False, omitsize=True, border=4, light="#fff", svgclass="qr-code"
        )
        return SafeString(drawn.getvalue().decode())
