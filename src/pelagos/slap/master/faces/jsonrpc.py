"""The JSON-RPC interface of SlapOS: POST of a JSON object to a method, a JSON object back.

Its methods are in `jsonrpc_methods`; their shapes are strict: what is not named is refused. An
error is `{"status", "type", "title"}`, and what a caller may not see is refused as what he may not
do: 403.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from http import HTTPStatus
from typing import Any, cast

from pelagos.core import wire
from pelagos.slap.errors import BadRequest, SlapError
from pelagos.slap.master.faces.call import JSON, Answer, Call, Route
from pelagos.slap.master.faces.json_shape import fault
from pelagos.slap.master.faces.jsonrpc_asked import Asked, Method
from pelagos.slap.master.faces.jsonrpc_methods import METHODS
from pelagos.slap.master.service import Service


class JsonRpcFace:
    """Answers the methods.

    Args:
        service: the use cases.
    """

    def __init__(self, service: Service) -> None:
        self._service = service

    def routes(self) -> list[Route]:
        """Where each method is answered."""
        return [
            Route(name, "POST", f"/{name}", self._answering(method), right="slapos")
            for name, method in METHODS.items()
        ]

    def _answering(self, method: Method) -> Callable[[Call], Answer]:
        def answer(call: Call) -> Answer:
            try:
                _check_accept(call.environ.get("HTTP_ACCEPT", ""))
                sent = _input(call, method)
                said = method.work(Asked(self._service, call, sent, method.right))
                return Answer.json(said)
            except SlapError as error:
                if (error.status or 500) >= HTTPStatus.INTERNAL_SERVER_ERROR:
                    raise
                shown = failure(error.status or 500, error.message, error.hint)
                return Answer(wire.encode(shown), JSON, shown["status"])

        return answer


def failure(status: int, title: str, hint: str | None = None) -> dict[str, Any]:
    """An error as this interface shows it; what is not there is refused like the forbidden.

    It has no room for a hint of its own, so that ends the title.
    """
    title = f"{title} ({hint})" if hint else title
    shown = 403 if status == HTTPStatus.NOT_FOUND else status
    return {"status": shown, "type": HTTPStatus(shown).phrase, "title": title}


def _check_accept(accept: str) -> None:
    kinds = [part.partition(";")[0].strip().lower() for part in accept.split(",")]
    if accept and not {"*/*", "application/*", JSON} & set(kinds):
        raise SlapError(
            f"the answer is {JSON}, which {accept} does not allow",
            status=406,
            hint=f"send Accept: {JSON}",
        )


def _input(call: Call, method: Method) -> Mapping[str, Any]:
    try:
        sent = wire.decode(call.body) if call.body else {}
    except wire.WireError as error:
        raise BadRequest(
            f"the body is not JSON: {error}", status=400, hint="send a JSON object"
        ) from error
    wrong = fault(method.shape, sent)
    if wrong is not None:
        raise BadRequest(
            wrong, status=400, hint="docs/reference/http-api.md names what each method takes"
        )
    return cast(Mapping[str, Any], sent)
