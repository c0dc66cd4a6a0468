"""What REST views stand on: the prefix, the errors' shape, and the base of protected resources."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from functools import wraps
from typing import Any, ClassVar, TypeVar, cast

from flask import Flask, Response, current_app, g, request
from flask_restful import Api, Resource
from werkzeug.exceptions import HTTPException, NotFound

from pelagos.core import wire
from pelagos.core.clock import Clock, SystemClock
from pelagos.core.errors import PelagosError
from pelagos.directory.auth import acl
from pelagos.directory.errors import RequestError, TokenError
from pelagos.directory.model import Asker

log = logging.getLogger(__name__)

PREFIX = "/0.1"
_EXTENSION = "pelagos.directory.verify"
_RIGHT = "required_acl"
_METHODS = ("get", "head", "post", "put", "patch", "delete", "options", "trace")

_Method = TypeVar("_Method", bound=Callable[..., Any])

#: What tells whom a token belongs to: its infos, or None when it is not valid. Infos with `acls`
#: (patterns of `auth.acl`) allow only what these give; infos without allow everything. Whatever
#: `PelagosError` it raises means that the tokens cannot be verified now (503).
Verify = Callable[[str], Mapping[str, Any] | None]


class RestApi(Api):  # type: ignore[misc]  # Flask-RESTful ships no types
    """Flask-RESTful's `Api` below `/0.1`, whose errors have the shape that clients know.

    A rule that already begins with the prefix does not get it twice.
    """

    def __init__(self, app: Flask, verify: Verify, clock: Clock | None = None) -> None:
        self._clock = clock or SystemClock()
        app.extensions[_EXTENSION] = verify
        super().__init__(app, prefix=PREFIX, catch_all_404s=True)
        self.representation("application/json")(_to_json)

    def _complete_url(self, url_part: str, registration_prefix: str) -> str:
        has_prefix = url_part == PREFIX or url_part.startswith(f"{PREFIX}/")
        return registration_prefix + (url_part if has_prefix else PREFIX + url_part)

    def handle_error(self, e: Exception) -> Response:
        """Any error of a view as `{"reason": [...], "timestamp": [...], "status_code": ...}`."""
        if isinstance(e, HTTPException):
            if e.response is not None:
                return cast("Response", e.response)
            answer = self._refuse(e.code or 500, [_reason(e)])
            if methods := getattr(e, "valid_methods", None):
                answer.headers["Allow"] = ", ".join(sorted(methods))  # RFC 9110, 15.5.6
            return answer
        if isinstance(e, RequestError):
            return self._refuse(e.status, list(e.reasons))
        log.error("%s %s failed", request.method, request.path, exc_info=e)
        return self._refuse(500, ["the directory failed at this request; its log says more"])

    def _refuse(self, status: int, reasons: list[str]) -> Response:
        body = {"reason": reasons, "timestamp": [self._clock.time()], "status_code": status}
        return _to_json(body, status)


def _reason(error: HTTPException) -> str:
    data = getattr(error, "data", None)  # what a view gave to Flask-RESTful's `abort`
    if isinstance(data, Mapping) and isinstance(data.get("message"), str):
        return str(data["message"])
    if isinstance(error, NotFound):
        return f"there is nothing at {request.path}"
    return error.description or error.name


def required_acl(template: str) -> Callable[[_Method], _Method]:
    """The right that a method of an `AuthResource` needs.

    Args:
        template: such as `dird.directories.lookup.{profile}.read`, whose braces name arguments
            of the URL.

    Raises:
        ValueError: the braces hold something else than plain names.
    """
    acl.placeholders(template)

    def mark(method: _Method) -> _Method:
        setattr(method, _RIGHT, template)
        return method

    return mark


class AuthResource(Resource):  # type: ignore[misc]  # Flask-RESTful ships no types
    """A resource that only holders of a token with the right reach; everyone else gets 401.

    Each of its methods says with `required_acl` which right it needs; a class with a method that
    does not is a TypeError. In its methods `asker()` tells who asks.
    """

    method_decorators: ClassVar[list[Callable[..., Any]]] = []

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        for name in _METHODS:
            if hasattr(cls, name) and not hasattr(getattr(cls, name), _RIGHT):
                raise TypeError(
                    f"{cls.__name__}.{name} says nothing of the right that it needs; "
                    "write @required_acl(...) above it"
                )


def asker() -> Asker:
    """Who sent the request that is being served; only inside an `AuthResource`."""
    found: Asker = g.asker
    return found


def _verified(method: Callable[..., Any]) -> Callable[..., Any]:
    template: str = getattr(method, _RIGHT)

    @wraps(method)
    def call(*args: Any, **kwargs: Any) -> Any:
        needed = acl.fill(template, request.view_args or {})
        who = who_asks(request.headers.get("X-Auth-Token", ""))
        if not may(who, needed):
            raise TokenError([f"this token does not give the right {needed}"])
        g.asker = who
        return method(*args, **kwargs)

    return call


AuthResource.method_decorators = [_verified]


def who_asks(token: str) -> Asker:
    """The holder of a token; only while a request is served.

    Raises:
        TokenError: there is no token, or it is not valid.
        RequestError: tokens cannot be verified now (503).
    """
    if not token:
        raise TokenError(["no token: send it in the header X-Auth-Token"])
    if not (token.isascii() and token.isprintable()):
        raise TokenError(["this token is not valid"])  # nor could it be sent on in a header
    verify: Verify = current_app.extensions[_EXTENSION]
    try:
        infos = verify(token)
    except PelagosError as error:
        log.warning("cannot verify a token: %s", error)
        raise RequestError(["tokens cannot be verified at the moment"], status=503) from error
    if infos is None:
        raise TokenError(["this token is not valid"])
    return Asker(token, infos)


def may(who: Asker, needed: acl.Access) -> bool:
    """Whether the token gives a right; one that names no rights gives all."""
    infos = who.token_infos
    return "acls" not in infos or acl.is_allowed(infos["acls"] or (), needed, _owners(infos))


def _owners(infos: Mapping[str, Any]) -> set[str]:
    return {str(infos[key]) for key in ("auth_id", "xivo_user_uuid") if infos.get(key)}


def _to_json(data: Any, code: int, headers: Mapping[str, str] | None = None) -> Response:
    return Response(wire.encode(data), code, dict(headers or {}), mimetype="application/json")
