"""The master over HTTP: finds who asks, hands the call to its face, turns errors into JSON."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from http import HTTPStatus

from flask import Flask, Response, request

from pelagos.core import wire
from pelagos.core.web import (
    PEER_CERTIFICATE,
    WebError,
    error_answer,
    json_answer,
    make_app,
)
from pelagos.core.wire import WireError
from pelagos.slap import protocol
from pelagos.slap.errors import ResourceNotReady, SlapError
from pelagos.slap.master import raw_path
from pelagos.slap.master.auth import ANYBODY, OPEN, Authenticator, Identity, Kind, check_kind
from pelagos.slap.master.faces.call import Answer, Call, Route
from pelagos.slap.master.faces.jsonrpc import failure
from pelagos.slap.master.service import Service

_SLICE = 128 * 1024
_NO_LIMIT = 1 << 62
#: Bytes that somebody may send of whom nothing is known: as much as costs no thread.
_OPEN_LIMIT = 64 * 1024
_CODES = {
    400: "bad-request",
    401: "unknown-token",
    403: "forbidden",
    404: "not-found",
    408: "not-ready",
    409: "conflict",
    413: "too-large",
    429: "too-many",
    502: "agent-unreachable",
    503: "agent-unreachable",
    504: "agent-unreachable",
    507: "storage-full",
}


def build_app(
    routes: Iterable[Route], service: Service, authenticator: Authenticator, body_limit: int
) -> Flask:
    """The WSGI application of a master."""
    app = make_app(__name__, max_body=body_limit)
    app.url_map.merge_slashes = False  # names may be URLs
    app.wsgi_app = raw_path.with_whole_names(app.wsgi_app)  # type: ignore[method-assign]  # as Flask documents it
    app.register_error_handler(SlapError, _slap_error)
    app.register_error_handler(WireError, _wire_error)
    for number, route in enumerate(routes):
        app.add_url_rule(
            route.path,
            endpoint=f"{number}-{route.name}",
            view_func=_view(route, service, authenticator),
            methods=[route.verb],
            provide_automatic_options=False,  # without a token nothing is told
        )
    app.after_request(_in_the_shape_of_json_rpc)
    app.add_url_rule("/v1/health", view_func=_health(service), methods=["GET"])
    return app


def _view(route: Route, service: Service, authenticator: Authenticator) -> Callable[..., Response]:
    reads = route.verb == "GET"

    def view(**path: str) -> Response:
        headers = request.headers
        if route.name in OPEN:
            identity = ANYBODY
            request.max_content_length = _OPEN_LIMIT
        else:
            peer = request.environ.get(PEER_CERTIFICATE)
            identity = authenticator.identify(headers.get("Authorization"), peer)
        check_kind(identity, route.right or route.name)
        if route.streams:  # the work itself says how much it takes
            request.max_content_length = _NO_LIMIT
        sent = request.args if reads or route.streams else request.form
        call = Call(
            name=route.name,
            identity=identity,
            fields={**sent.to_dict(), **raw_path.names(path)} if path else sent.to_dict(),
            body=b"" if reads or sent or route.streams else request.get_data(),
            etag=headers.get("If-None-Match") if reads else None,
            agent=headers.get(protocol.AGENT_HEADER) if reads else None,
            takes_gzip="gzip" in headers.get("Accept-Encoding", ""),
            environ=request.environ,
            stream=request.stream if route.streams else None,
            length=request.content_length if route.streams else None,
            range=headers.get("Range") if reads else None,
        )
        is_tenant = identity.kind is Kind.PERSON and not identity.is_operator
        if not is_tenant:
            _note(route, service, identity, call)
        answer = route.work(call)
        if is_tenant:  # the call was not refused, so the computer is his
            _note(route, service, identity, call)
        return _response(answer)

    return view


def _in_the_shape_of_json_rpc(response: Response) -> Response:
    """An error that did not come from the JSON-RPC interface itself, as its callers read it."""
    status = response.status_code
    if status < HTTPStatus.BAD_REQUEST or not request.path.startswith("/slapos."):
        return response
    said = response.get_json(silent=True)
    error = said.get("error") if isinstance(said, dict) else None
    if isinstance(error, dict):
        shown = failure(status, str(error.get("message", "")), error.get("hint"))
        response.set_data(wire.encode(shown))
        response.status_code = shown["status"]
    return response


def _response(answer: Answer) -> Response:
    response = Response(
        _slices(answer.body) if answer.pieces is None else answer.pieces,
        status=answer.status,
        headers=dict(answer.headers),
        content_type=answer.content_type,
    )
    if answer.status != 304:  # noqa: PLR2004  # RFC 9110: it has no body, and no length of one
        response.content_length = len(answer.body) if answer.pieces is None else answer.length
    return response


def _slices(body: bytes) -> list[bytes]:
    """A large body in pieces: the WSGI server copies what is left of a piece at each send."""
    if len(body) <= _SLICE:
        return [body]
    return [body[at : at + _SLICE] for at in range(0, len(body), _SLICE)]


def _note(route: Route, service: Service, identity: Identity, call: Call) -> None:
    """Take the call as a sign of life, when only a computer's agent would make it."""
    if identity.kind is Kind.COMPUTER:
        service.seen(identity.name)
    elif route.by_agent and identity.kind is Kind.PERSON:
        computer_id = call.fields.get("computer_id")
        if computer_id:
            service.seen(computer_id)


def _health(service: Service) -> Callable[[], Response]:
    def health() -> Response:
        service.check()
        return json_answer({"status": "ok"})

    return health


def _slap_error(error: SlapError) -> Response:
    status = error.status or 500
    extra: dict[str, object] = {}
    if isinstance(error, ResourceNotReady) and error.cause is not None:
        extra["cause"] = error.cause
    headers = {}
    if status == 401:  # noqa: PLR2004  # RFC 9110: a 401 says how to authenticate
        headers["WWW-Authenticate"] = 'Bearer realm="pelagos"'
    if error.retry_after is not None:
        headers["Retry-After"] = str(max(1, round(error.retry_after)))
    return error_answer(
        WebError(
            status,
            _CODES.get(status, "master-error"),
            error.message,
            hint=error.hint,
            headers=headers,
            extra=extra,
        )
    )


def _wire_error(error: WireError) -> Response:
    return error_answer(WebError(400, "bad-request", error.message, hint=error.hint))
