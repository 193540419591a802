"""The short texts that programs know (docs/contract.md#b), each once."""

from __future__ import annotations

from typing import Final

NO_TOKEN: Final = "missing or invalid bearer user token"  # noqa: S105 - a message.
BAD_TOKEN: Final = "failed to perform authentication over the entity"  # noqa: S105 - a message.
NOT_VERIFIED: Final = "email not verified"
DENIED: Final = "failed to perform authorization over the entity"
INVALID_QUERY: Final = "invalid query parameters"
INVALID_LIMIT: Final = "invalid limit size"
TOO_LARGE: Final = "request body too large"
UNSUPPORTED_TYPE: Final = "unsupported content type"
COMPRESSED: Final = "send the body uncompressed, without Content-Encoding"
