"""What a command is given: its arguments, its flags, the service and where to print."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from bootstrap_project.cli import arguments, inputs
from bootstrap_project.cli.config import Settings
from bootstrap_project.cli.output import Output

if TYPE_CHECKING:
    from bootstrap_project.cli.http import Service
    from bootstrap_project.cli.messages import Credential, Response


class Invocation:
    """One run of one command; `values` holds its arguments by name."""

    def __init__(
        self,
        *,
        values: Mapping[str, str],
        flags: dict[str, str],
        settings: Settings,
        output: Output,
        stdin: inputs.StandardInput,
    ) -> None:
        self.values = values
        self.flags = flags
        self.output = output
        self.stdin = stdin
        self._settings = settings
        self._service: Service | None = None

    def close(self) -> None:
        """Close the connection, if there is one."""
        if self._service is not None:
            self._service.close()

    def json(self, name: str, kind: type = dict) -> inputs.Document:
        """Return a JSON argument, an object unless `kind` says otherwise; raises UsageMistake."""
        return inputs.read_json(self.values[name], name, kind, self.stdin)

    def text(self, name: str) -> str:
        """Return an argument that may be `@file` or `-`; raises UsageMistake."""
        return inputs.read_text(self.values[name], name, self.stdin)

    def number(self, flag: str, *, default: int, least: int = 0) -> int:
        """Return the number that a flag gives; raises UsageMistake."""
        return arguments.number(self.flags, flag, default=default, least=least)

    def operate(
        self,
        method: str,
        *segments: str,
        query: Mapping[str, str] | None = None,
        body: bytes | None = None,
        content_type: str = "application/json",
    ) -> Response:
        """Make an operator's call below the domain and return the answer; raises APIError, Unreachable."""
        from bootstrap_project.cli.messages import Credential  # noqa: PLC0415 - see send().

        token = self.values["user_auth_token"].strip().removeprefix("Bearer ")
        credential = Credential("Bearer", token, "$MG_TOKEN")
        segments = (self.values["domain_id"], *segments)
        return self.send(method, *segments, credential=credential, query=query, body=body, content_type=content_type)

    def send(
        self,
        method: str,
        *segments: str,
        credential: Credential,
        query: Mapping[str, str] | None = None,
        body: bytes | None = None,
        content_type: str = "application/json",
    ) -> Response:
        """Make a call and return the answer; raises APIError, Unreachable."""
        # HTTP and TLS take most of the time that a start takes, and help or a mistake needs neither.
        from bootstrap_project.cli.http import Service  # noqa: PLC0415
        from bootstrap_project.cli.messages import Request, path_of  # noqa: PLC0415

        request = Request(method, path_of(*segments), credential, query or {}, body, content_type)
        if self._settings.curl:
            from bootstrap_project.cli.curl import curl_command  # noqa: PLC0415 - for this flag alone.

            self.output.note(curl_command(request, self._settings))
        if self._service is None:
            self._service = Service(self._settings)
        return self._service.send(request)
