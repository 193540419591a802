"""Operators' bearer tokens: the header here, the decision in `api.operators`."""

from __future__ import annotations

from rest_framework.authentication import BaseAuthentication
from rest_framework.request import Request

from bootstrap_project.api.messages import NO_TOKEN
from bootstrap_project.api.operators import Operator, identify_operator
from bootstrap_project.api.operators_errors import NotAuthenticated
from bootstrap_project.observability.middleware import set_user
from bootstrap_project.wsgi_middleware.client_address import rate_limit_key
from bootstrap_project.wsgi_middleware.header_bounds import MAX_CHARACTERS, TOKEN_TOO_LONG


class OperatorAuthentication(BaseAuthentication):
    """Authenticates `Authorization: Bearer …` for the domain in the path."""

    def authenticate(self, request: Request) -> tuple[Operator, str]:
        """Return the operator and his token.

        Raises: whatever `identify_operator` raises; NotAuthenticated without a usable header.
        """
        token = bearer_token(request.META.get("HTTP_AUTHORIZATION", ""))
        domain_id = request.parser_context["kwargs"]["domain_id"]
        source = rate_limit_key(request.META.get("REMOTE_ADDR", ""))
        operator = identify_operator(token, domain_id, request.method or "", source)
        set_user(request, operator.user_id)
        return operator, token

    def authenticate_header(self, request: Request) -> str:
        del request
        return "Bearer"


def bearer_token(header: str) -> str:
    """Return the token of an Authorization header; the scheme's case does not matter (RFC 9110, section 11.1).

    Raises: NotAuthenticated for another scheme, an empty token, or one that no header can carry on.
    """
    scheme, _, token = header.partition(" ")
    token = token.strip()
    if scheme.lower() != "bearer" or not (token and token.isascii() and token.isprintable()):
        raise NotAuthenticated(NO_TOKEN, "send the header Authorization: Bearer <token>")
    if len(token) > MAX_CHARACTERS:
        raise NotAuthenticated(NO_TOKEN, TOKEN_TOO_LONG)
    return token
