"""View `reverse_json`: who has a number, or each of many, as JSON."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flask import request

from pelagos.core import wire
from pelagos.directory.errors import BadTermError
from pelagos.directory.merge import cell
from pelagos.directory.services.reverse import ReverseAnswer, ReverseService
from pelagos.directory.views.answers import told, verdict_body
from pelagos.directory.views.base import BaseViewPlugin
from pelagos.directory.views.rest import AuthResource, asker, required_acl


class ReverseJsonView(BaseViewPlugin):
    """`GET /0.1/directories/reverse/<profile>/<xivo_user_uuid>?exten=…`; POST for many."""

    def load(self, args: Mapping[str, Any]) -> None:
        """Add the route.

        Raises:
            KeyError: the service `reverse` is not there.
        """
        args["rest_api"].add_resource(
            ReverseResource,
            "/directories/reverse/<profile>/<xivo_user_uuid>",
            resource_class_kwargs={"service": args["services"]["reverse"]},
        )


class ReverseResource(AuthResource):
    """Who has a number, for the person in the URL; no such person has no contacts of his own."""

    def __init__(self, service: ReverseService) -> None:
        self._service = service

    @required_acl("dird.directories.reverse.{profile}.{xivo_user_uuid}.read")
    def get(self, profile: str, xivo_user_uuid: str) -> dict[str, Any]:
        """The entry that has the number in `exten`; of one that nobody has, nulls."""
        exten = request.args.get("exten")
        if exten is None:
            raise BadTermError(["the parameter `exten` is missing"])
        who = asker().on_behalf_of(xivo_user_uuid)
        answer = self._service.reverse(exten, profile, who)
        return {**_entry(answer), "sources": [verdict_body(v) for v in told(answer.sources, who)]}

    @required_acl("dird.directories.reverse.{profile}.{xivo_user_uuid}.read")
    def post(self, profile: str, xivo_user_uuid: str) -> dict[str, Any]:
        """The same for each number of `{"extens": […]}`, in their order, under `results`."""
        extens = _extens(request.get_data())
        who = asker().on_behalf_of(xivo_user_uuid)
        answers = self._service.reverse_many(extens, profile, who)
        return {
            "results": [_entry(answer) for answer in answers],
            "sources": [verdict_body(v) for v in told(answers[0].sources, who)] if answers else [],
        }


def _extens(body: bytes) -> list[str]:
    try:
        sent = wire.decode(body)
    except wire.WireError as error:
        raise BadTermError([f"the body is no JSON: {error.message}"]) from error
    extens = sent.get("extens") if isinstance(sent, dict) else None
    if not isinstance(extens, list) or not all(isinstance(exten, str) for exten in extens):
        raise BadTermError(['the body must be {"extens": [...]}, a list of texts'])
    return extens


def _entry(answer: ReverseAnswer) -> dict[str, Any]:
    result = answer.result
    found = {
        "display": cell(answer.display),
        "exten": answer.exten,
        "source": None,
        "fields": {},
    }
    if result is not None:
        found["source"] = result.source
        found["fields"] = cell(result.fields)
    return found
