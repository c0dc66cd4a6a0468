"""The ancestor's module-level `api`, its resources, and its client of the authentication."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, ClassVar

from flask import g, request
from flask_restful import Resource

from pelagos.directory.auth import acl
from pelagos.directory.errors import TokenError
from pelagos.directory.model import Asker
from pelagos.directory.views.rest import may, who_asks

_current: ContextVar[Any] = ContextVar("pelagos.compat.xivo_dird.api")


@contextmanager
def serving(rest_api: Any) -> Iterator[None]:
    """Let `api` be this one while a view is loaded."""
    token = _current.set(rest_api)
    try:
        yield
    finally:
        _current.reset(token)


class _CurrentApi:
    """The `api` of the directory that is loading a view right now."""

    def __getattr__(self, name: str) -> Any:
        try:
            return getattr(_current.get(), name)
        except LookupError:
            raise AttributeError(f"api.{name} is there while a view is loaded only") from None


api = _CurrentApi()


class OpenResource(Resource):  # type: ignore[misc]  # Flask-RESTful ships no types
    """A resource for everybody, whose errors have the usual shape."""


class TokenResource(OpenResource):
    """A resource for holders of a valid token that gives the right of `required_acl`, if any.

    Unlike `pelagos.directory.AuthResource` it may have methods that need no right beyond that.
    """

    needs_token: ClassVar[bool] = True

    def dispatch_request(self, *args: Any, **kwds: Any) -> Any:
        """Let in who may, then call the method; decorators of a plugin come after that."""
        asked = request.method.lower()
        method = getattr(self, asked, None) or getattr(self, "get", None)
        g.asker = _let_in(getattr(method, "_required_acl", None))
        return super().dispatch_request(*args, **kwds)


def required_acl(template: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """The right that a method needs; names in braces stand for arguments of the URL."""
    acl.placeholders(template)

    def mark(method: Callable[..., Any]) -> Callable[..., Any]:
        vars(method)["_required_acl"] = template
        return method

    return mark


def _let_in(template: str | None) -> Asker:
    who = who_asks(request.headers.get("X-Auth-Token", ""))
    if template is not None:
        needed = acl.fill(template, request.view_args or {})
        if not may(who, needed):
            raise TokenError([f"this token does not give the right {needed}"])
    return who


class _Tokens:
    def get(self, token: str, required_acl: str | None = None) -> Mapping[str, Any]:
        """The facts of a token.

        Raises:
            TokenError: it is not valid, or does not give the right.
        """
        who = who_asks(token)
        if required_acl is not None and not may(who, acl.fill(required_acl, {})):
            raise TokenError([f"this token does not give the right {required_acl}"])
        return {"token": token, **who.token_infos}

    def is_valid(self, token: str, required_acl: str | None = None) -> bool:
        """Whether a token is valid and gives the right."""
        try:
            self.get(token, required_acl)
        except TokenError:
            return False
        return True


class _Client:
    token = _Tokens()


def client() -> _Client:
    """What asks whose a token is: here the directory's own verification; in a request only."""
    return _Client()
