"""What a command is given: its arguments, its flags, the service, and where to read and print."""

from __future__ import annotations

from collections.abc import Mapping

import click

from bootstrap_project.cli import inputs
from bootstrap_project.cli.curl import curl_command
from bootstrap_project.cli.http import Service
from bootstrap_project.cli.messages import Credential, Request, Response, path_of
from bootstrap_project.cli.output import Output


class Invocation:
    """One run of one command; `values` holds its arguments by name, `flags` what stands on the line."""

    #: Set once all arguments are there.
    service: Service

    def __init__(self, ctx: click.Context, flags: Mapping[str, str], output: Output) -> None:
        self.values = ctx.params
        self.flags = flags
        self.output = output
        self.stdin = inputs.StandardInput()

    def json(self, name: str, kind: type = dict) -> inputs.Document:
        """Return a JSON argument, an object unless `kind` says otherwise; raises UsageError."""
        return inputs.read_json(self.values[name], name, kind, self.stdin)

    def text(self, name: str) -> str:
        """Return an argument that may be `@file` or `-`; raises UsageError."""
        return inputs.read_text(self.values[name], name, self.stdin)

    def operate(
        self,
        method: str,
        *segments: str,
        query: Mapping[str, str] | None = None,
        body: bytes | None = None,
        content_type: str = "application/json",
    ) -> Response:
        """Make an operator's call below the domain and return the answer; raises APIError, Unreachable."""
        token = self.values["user_auth_token"].strip().removeprefix("Bearer ")
        credential = Credential("Bearer", token, "$MG_TOKEN")
        path = path_of(self.values["domain_id"], *segments)
        return self.send(Request(method, path, credential, query or {}, body, content_type))

    def send(self, request: Request) -> Response:
        """Make a call and return the answer; raises APIError, Unreachable."""
        if self.service.settings.curl:
            self.output.note(curl_command(request, self.service.settings))
        return self.service.send(request)
