"""What REST views stand on: the prefix, the errors' shape, and the base of protected resources."""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from typing import Any, ClassVar, TypeVar, cast
from urllib.parse import quote

from flask import Flask, Response, current_app, g, request
from flask_restful import Api, Resource
from werkzeug.exceptions import HTTPException, NotFound

from pelagos.core import wire
from pelagos.core.clock import Clock, SystemClock
from pelagos.core.errors import PelagosError
from pelagos.directory.auth import Verify, acl
from pelagos.directory.errors import RequestError, TokenError, VerificationError
from pelagos.directory.model import Asker
from pelagos.directory.views.error_body import Refusal

log = logging.getLogger(__name__)

PREFIX = "/0.1"
_EXTENSION = "pelagos.directory.verify"
_RIGHT = "required_acl"
_ARGUMENT = re.compile(r"<(?:[^<>:]*:)?(\w+)>")
_REFUSED = 400
_METHODS = ("get", "head", "post", "put", "patch", "delete", "options", "trace")

_Method = TypeVar("_Method", bound=Callable[..., Any])


class RestApi(Api):  # type: ignore[misc]  # Flask-RESTful ships no types
    """Flask-RESTful's `Api` below `/0.1`, whose errors have the shapes that clients know.

    A rule that already begins with the prefix does not get it twice.
    """

    def __init__(self, app: Flask, verify: Verify, clock: Clock | None = None) -> None:
        self._clock = clock or SystemClock()
        app.extensions[_EXTENSION] = verify
        app.after_request(_harden)
        super().__init__(app, prefix=PREFIX, catch_all_404s=True)
        self.representation("application/json")(_to_json)

    def add_resource(self, resource: type[Resource], *urls: str, **kwargs: Any) -> None:
        """Serve a resource at these rules.

        Raises:
            TypeError: a right of one of its methods names an argument that a rule does not have.
        """
        for url in urls:
            given = set(_ARGUMENT.findall(url))
            for name in _METHODS:
                template = right_of(getattr(resource, name, None))
                if missing := set(acl.placeholders(template or "")) - given:
                    raise TypeError(
                        f"{resource.__name__}.{name} needs the right {template}, "
                        f"but {url} has no argument {min(missing)!r}"
                    )
        super().add_resource(resource, *urls, **kwargs)

    def _complete_url(self, url_part: str, registration_prefix: str) -> str:
        has_prefix = url_part == PREFIX or url_part.startswith(f"{PREFIX}/")
        return registration_prefix + (url_part if has_prefix else PREFIX + url_part)

    def _has_fr_route(self) -> bool:
        try:
            return bool(super()._has_fr_route())
        except HTTPException:  # a header Host that is none: asked for the route, it fails again
            return True

    def handle_error(self, e: Exception) -> Response:
        """Any error of a view as a body in the shape of its route; see `error_body`."""
        if isinstance(e, HTTPException) and e.response is not None:
            return cast("Response", e.response)
        refusal = _refusal(e)
        view = current_app.view_functions.get(request.endpoint or "")
        resource = getattr(getattr(view, "view_class", None), "error_resource", None)
        answer = _to_json(refusal.body(self._clock.time(), resource), refusal.status)
        answer.headers.extend(refusal.headers)
        return answer


def _refusal(error: Exception) -> Refusal:
    if isinstance(error, RequestError):
        return Refusal.of(error)
    if isinstance(error, HTTPException):
        methods = getattr(error, "valid_methods", None)  # RFC 9110, 15.5.6
        headers = {"Allow": ", ".join(sorted(methods))} if methods else {}
        return Refusal(error.code or 500, (_reason(error),), headers=headers)
    log.error("%s %s failed", request.method, quote(request.path), exc_info=error)
    return Refusal(500, ("the directory failed at this request; its log says more",))


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


def right_of(method: Any) -> str | None:
    """The template that `required_acl` gave a method; None when it has none."""
    found: str | None = getattr(method, _RIGHT, None)
    return found


class AuthResource(Resource):  # type: ignore[misc]  # Flask-RESTful ships no types
    """A resource that only holders of a token with the right reach; everyone else gets 401.

    Each of its methods says with `required_acl` which right it needs; a class with a method that
    does not is a TypeError. In its methods `asker()` tells who asks.

    Attributes:
        error_resource: what its errors call what it serves, such as "sources", in the shape of
            today's wazo-dird; None: errors have the shape of xivo-dird.
    """

    error_resource: ClassVar[str | None] = None
    needs_token: ClassVar[bool] = True

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        for name in _METHODS:
            if hasattr(cls, name) and right_of(getattr(cls, name)) is None:
                raise TypeError(
                    f"{cls.__name__}.{name} says nothing of the right that it needs; "
                    "write @required_acl(...) above it"
                )

    def dispatch_request(self, *args: Any, **kwargs: Any) -> Any:
        """Let in who may, then call the method.

        Here and not in `method_decorators`, which a class that has some of its own would replace.
        """
        asked = request.method.lower()
        method = getattr(self, asked, None) or (self.get if asked == "head" else None)
        g.asker = _let_in(right_of(method))
        return super().dispatch_request(*args, **kwargs)


def asker() -> Asker:
    """Who sent the request that is being served; only inside an `AuthResource`."""
    found: Asker = g.asker
    return found


def _let_in(template: str | None) -> Asker:
    """Who sent the request, who has the right that this template says."""
    if template is None:  # a method of HTTP that nobody knew when the class was made
        raise TokenError(["nothing says which right this needs, so nobody has it"])
    needed = acl.fill(template, request.view_args or {})
    try:
        who = who_asks(request.headers.get("X-Auth-Token", ""))
    except TokenError as error:
        error.needs = str(needed)
        raise
    if not may(who, needed):
        reason = f"this token does not give the right {needed}"
        raise TokenError([reason], needs=str(needed), is_known=True)
    return _in_tenant(who, needed, request.headers.get("Wazo-Tenant"))


def who_asks(token: str) -> Asker:
    """The holder of a token; only while a request is served.

    Raises:
        TokenError: there is no token, or it is not valid.
        VerificationError: tokens cannot be verified now.
    """
    if not token:
        raise TokenError(["no token: send it in the header X-Auth-Token"])
    if not (token.isascii() and token.isprintable()):
        raise TokenError(["this token is not valid"])  # nor could it be sent on in a header
    with _verification() as verify:
        infos = verify(token)
    if infos is None:
        raise TokenError(["this token is not valid"])
    return Asker(token, infos, tenant=(infos.get("metadata") or {}).get("tenant_uuid"))


def may(who: Asker, needed: acl.Access) -> bool:
    """Whether the token gives a right; only while a request is served.

    Raises:
        VerificationError: it cannot be told now.
    """
    infos = who.token_infos
    if "acls" in infos:
        owners = {str(infos[key]) for key in ("auth_id", "xivo_user_uuid") if infos.get(key)}
        tenants = _tenants(infos, owners)
        return acl.is_allowed(infos["acls"] or (), needed, owners, tenants=tenants)
    # A verifier that says nothing of rights is asked for each; one that has no say gives all.
    with _verification() as verify:
        reaches = getattr(verify, "reaches", None)
        return reaches is None or bool(reaches(who.token, str(needed), None))


def _tenants(infos: Mapping[str, Any], owners: Collection[str]) -> Collection[str]:
    """Whose tenant a token's owner is in; where there are no tenants, each person is one."""
    metadata = infos.get("metadata") or {}
    if "tenant_uuid" not in metadata:
        return owners
    return {str(metadata["tenant_uuid"])} if metadata["tenant_uuid"] else ()


def _in_tenant(who: Asker, needed: acl.Access, tenant: str | None) -> Asker:
    """The same, looking at the entries of another tenant if the token reaches it."""
    if tenant is None or tenant == who.tenant:
        return who
    with _verification() as verify:
        reaches = getattr(verify, "reaches", None)
        if reaches is None or not reaches(who.token, str(needed), tenant):
            raise TokenError(
                ["this token does not reach this tenant"], needs=str(needed), is_known=True
            )
    return replace(who, tenant=tenant)


@contextmanager
def _verification() -> Iterator[Verify]:
    """What verifies tokens; that it cannot do so now is the answer to the request."""
    try:
        yield current_app.extensions[_EXTENSION]
    except RequestError:
        raise
    except PelagosError as error:
        log.warning("cannot verify a token: %s", error)
        raise VerificationError(["tokens cannot be verified at the moment"]) from error


def _harden(answer: Response) -> Response:
    """What is personal stays in no cache, and nothing is taken for what it does not say it is."""
    answer.headers.setdefault("X-Content-Type-Options", "nosniff")
    if "asker" in g or answer.status_code >= _REFUSED:
        answer.headers.setdefault("Cache-Control", "no-store")
    return answer


def _to_json(data: Any, code: int, headers: Mapping[str, str] | None = None) -> Response:
    return Response(wire.encode(data), code, dict(headers or {}), mimetype="application/json")
