"""View `lookup_json`: the lookup service as JSON, at once or as it comes, and its headers."""

from __future__ import annotations

import logging
import math
from collections.abc import Callable, Collection, Generator, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from flask import Response, request

from pelagos.core.fanout import Reply
from pelagos.directory.errors import BadTermError
from pelagos.directory.merge import row
from pelagos.directory.model import Asker, Display, SourceAnswer, SourceVerdict
from pelagos.directory.services.lookup import LookupService
from pelagos.directory.settings import profile_displays
from pelagos.directory.views.answers import (
    answer_body,
    display_of,
    in_short,
    sees_errors,
    verdict_body,
)
from pelagos.directory.views.base import BaseViewPlugin
from pelagos.directory.views.event_stream import event_stream
from pelagos.directory.views.rest import AuthResource, asker, required_acl

log = logging.getLogger(__name__)

#: The service that knows which results to mark; without it, none is.
FAVORITES = "favorites"

#: Seconds after which the hits of a stream are sent without marks rather than later.
MARKS_PATIENCE = 0.1

_RULE = "/directories/lookup/<profile>"
_Favorites = Mapping[str, Collection[str]]


class LookupJsonView(BaseViewPlugin):
    """`GET /0.1/directories/lookup/<profile>?term=…`, `…/stream?term=…` and `…/headers`."""

    def load(self, args: Mapping[str, Any]) -> None:
        """Add the routes.

        Raises:
            KeyError: the service `lookup` is not there.
        """
        services = args["services"]
        displays = profile_displays(args["config"])
        lookups = {"lookups": Lookups(displays, services["lookup"], services.get(FAVORITES))}
        api = args["rest_api"]
        api.add_resource(LookupResource, _RULE, resource_class_kwargs=lookups)
        api.add_resource(LookupStreamResource, f"{_RULE}/stream", resource_class_kwargs=lookups)
        api.add_resource(
            HeadersResource, f"{_RULE}/headers", resource_class_kwargs={"displays": displays}
        )


@dataclass(frozen=True, slots=True)
class Lookups:
    """What the resources share.

    Attributes:
        favorites: the service, or None; then nothing is marked as a favourite.
    """

    displays: Mapping[str, Display]
    service: LookupService
    favorites: Any = None

    def favorites_of(
        self, profile: str, who: Asker, limit: float = math.inf
    ) -> Iterator[Reply[_Favorites]] | None:
        """Begin to ask for the person's favourites, when the display has a place for them."""
        display = display_of(profile, self.displays)
        if self.favorites is None or not any(c.type == "favorite" for c in display.columns):
            return None
        ids = self.favorites.ids
        return self.service.meanwhile("favorites", lambda: ids(profile, who), profile, limit)


class LookupResource(AuthResource):
    """All results of a lookup in one answer."""

    def __init__(self, lookups: Lookups) -> None:
        self._lookups = lookups

    @required_acl("dird.directories.lookup.{profile}.read")
    def get(self, profile: str) -> dict[str, Any]:
        """The results, and under `sources` what each source did."""
        display = display_of(profile, self._lookups.displays)
        term, who = _term(), asker()
        pending = self._lookups.favorites_of(profile, who)
        answer = self._lookups.service.lookup(term, profile, who)
        favorites, trouble = _known(pending)
        return {"term": term, **answer_body(answer, display, who, favorites), **trouble}


class LookupStreamResource(AuthResource):
    """The results of a lookup as server-sent events, those of each source when it answers.

    Events: `headers` with the columns; `source` for each source, its verdict and its results;
    `end` with all verdicts in the configured order.
    """

    def __init__(self, lookups: Lookups) -> None:
        self._lookups = lookups

    @required_acl("dird.directories.lookup.{profile}.read")
    def get(self, profile: str) -> Response:
        """The events."""
        display = display_of(profile, self._lookups.displays)
        term, who = _term(), asker()
        answers = self._lookups.service.stream(term, profile, who)
        pending = self._lookups.favorites_of(profile, who, MARKS_PATIENCE)
        order = self._lookups.service.sources(profile)
        as_told = _same if sees_errors(who) else in_short  # no request is served later
        return event_stream(_events(term, display, answers, pending, order, as_told))


class HeadersResource(AuthResource):
    """The columns of a profile's answers."""

    def __init__(self, displays: Mapping[str, Display]) -> None:
        self._displays = displays

    @required_acl("dird.directories.lookup.{profile}.headers.read")
    def get(self, profile: str) -> dict[str, Any]:
        """Headers and types, in the order of the columns."""
        display = display_of(profile, self._displays)
        return {"column_headers": display.headers, "column_types": display.types}


def _term() -> str:
    term = request.args.get("term")
    if term is None:
        raise BadTermError(["the parameter `term` is missing"])
    return term


def _known(pending: Iterator[Reply[_Favorites]] | None) -> tuple[_Favorites, dict[str, Any]]:
    """The favourites, and what the answer says when they cannot be told."""
    reply = next(pending, None) if pending is not None else None
    if reply is None:
        return {}, {}
    if reply.error is None:
        return reply.value or {}, {}
    return {}, {"favorites": {"verdict": str(reply.verdict), "error": reply.error}}


def _same(verdict: SourceVerdict) -> SourceVerdict:
    return verdict


def _events(
    term: str,
    display: Display,
    answers: Generator[SourceAnswer, None, None],
    pending: Iterator[Reply[_Favorites]] | None,
    order: Collection[str],
    as_told: Callable[[SourceVerdict], SourceVerdict],
) -> Generator[tuple[str, Any], None, None]:
    head = {"term": term, "column_headers": display.headers, "column_types": display.types}
    yield "headers", head
    favorites: _Favorites | None = None
    trouble: dict[str, Any] = {}
    verdicts = {}
    try:
        for answer in answers:
            if favorites is None:  # not before the sources have been asked
                favorites, trouble = _known(pending)
            body = verdict_body(as_told(answer.verdict))
            verdicts[answer.verdict.name] = body
            results = [row(result, display, favorites) for result in answer.results]
            yield "source", {**body, "results": results}
    finally:
        answers.close()
    said = [verdicts[name] for name in order if name in verdicts]  # one may be new since
    yield "end", {"sources": said, **trouble}
