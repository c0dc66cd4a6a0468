"""Lists of images: filters, order, pages."""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterator, Mapping
from typing import Any
from urllib.parse import urlencode

from pelagos.box.errors import Refused
from pelagos.box.identity.tokens import Token
from pelagos.box.image.glance.fields import VISIBILITIES, iso, shown
from pelagos.box.image.store import Image, ImageStore
from pelagos.box.web import Request

LIMIT, MOST = 25, 1000
Test = Callable[[Image], bool]

_OPERATORS: Mapping[str, Callable[[Any, Any], bool]] = {
    "gt": operator.gt, "gte": operator.ge, "lt": operator.lt, "lte": operator.le,
    "eq": operator.eq, "neq": operator.ne,
}  # fmt: skip
_SORT_KEYS: Mapping[str, Callable[[Image], Any]] = {
    "name": lambda one: one.name or "", "status": lambda one: one.status,
    "container_format": lambda one: one.container_format or "",
    "disk_format": lambda one: one.disk_format or "", "size": lambda one: one.size or 0,
    "id": lambda one: one.id, "created_at": lambda one: one.created,
    "updated_at": lambda one: one.updated, "min_disk": lambda one: one.min_disk,
    "min_ram": lambda one: one.min_ram, "visibility": lambda one: one.visibility,
}  # fmt: skip
_OWN = frozenset({"limit", "marker", "sort", "sort_key", "sort_dir", "member_status", "tag",
                  "visibility", "size_min", "size_max", "created_at", "updated_at",
                  "os_hidden"})  # fmt: skip


def page(store: ImageStore, token: Token, request: Request) -> dict[str, Any]:
    """The answer to a list's request.

    Raises:
        Refused: 400, the query cannot be understood.
    """
    tests = [*_visible(store, token, request.query), *_tests(request)]
    found = [one for one in store.all() if all(test(one) for test in tests)]
    _sort(found, request)
    query = request.query
    if query.get("marker"):
        ids = [one.id for one in found]
        if query["marker"] not in ids:
            raise Refused(400, f"Invalid marker: image {query['marker']} is not in the list")
        found = found[ids.index(query["marker"]) + 1 :]
    limit = _limit(query)
    answer: dict[str, Any] = {
        "images": [shown(one) for one in found[:limit]],
        "schema": "/v2/schemas/images",
    }
    pairs = [pair for pair in request.pairs if pair[0] != "marker"]
    first = urlencode(pairs)
    answer["first"] = f"/v2/images{'?' if first else ''}{first}"
    if limit and len(found) > limit:
        following = urlencode([*pairs, ("marker", found[limit - 1].id)])
        answer["next"] = f"/v2/images?{following}"
    return answer


def _limit(query: Mapping[str, str]) -> int:
    told = query.get("limit", str(LIMIT))
    if not (told.isascii() and told.isdigit()):
        raise Refused(400, "limit param must be an integer")
    return min(int(told), MOST)


def _visible(store: ImageStore, token: Token, query: Mapping[str, str]) -> Iterator[Test]:
    told = query.get("visibility")
    if told is not None and told not in {*VISIBILITIES, "all"}:
        raise Refused(400, f"Invalid visibility value: {told}")
    yield _seen_by(store, token, query)
    if told not in {None, "all"}:
        yield lambda one: one.visibility == told
    hidden = query.get("os_hidden", "false").lower()
    if hidden not in {"true", "false"}:
        raise Refused(400, f"Invalid value '{hidden}' for 'os_hidden' filter.")
    yield lambda one: one.is_hidden == (hidden == "true")


def _seen_by(store: ImageStore, token: Token, query: Mapping[str, str]) -> Test:
    project, told = token.project_id or "", query.get("visibility")
    status = query.get("member_status", "accepted")
    if status not in {"accepted", "pending", "rejected", "all"}:
        raise Refused(400, f"Invalid status: {status}")
    answers = store.shared_with(project)
    accepted = {key for key, one in answers.items() if status in {"all", one}}

    def test(image: Image) -> bool:
        if image.project_id == project or token.is_admin:
            return True
        if image.visibility == "shared":
            return image.id in accepted
        if image.visibility == "community":
            return told in {"community", "all"}
        return image.visibility == "public"

    return test


def _tests(request: Request) -> Iterator[Test]:
    for name, value in request.pairs:
        if name == "tag":
            yield lambda one, value=value: value in one.tags  # type: ignore[misc]  # bound as it is now
        elif name in {"size_min", "size_max"}:
            if not (value.isascii() and value.isdigit()):
                raise Refused(400, f"Invalid value '{value}' for '{name}' filter: it is no number")
            compare = operator.ge if name == "size_min" else operator.le
            size = int(value)
            yield lambda one, compare=compare, size=size: compare(one.size or 0, size)  # type: ignore[misc]  # as above
        elif name in {"created_at", "updated_at"}:
            yield _time_test(name, value)
        elif name not in _OWN:
            yield _equal_test(name, value)


def _time_test(name: str, value: str) -> Test:
    word, mark, moment = value.partition(":")
    if not mark or word not in _OPERATORS:
        word, moment = "eq", value
    compare = _OPERATORS[word]
    attribute = name.removesuffix("_at")
    return lambda one: compare(iso(getattr(one, attribute)), moment)


def _equal_test(name: str, value: str) -> Test:
    wanted = {value}
    if value.startswith("in:") and name in {
        "name", "status", "id", "disk_format", "container_format",
    }:  # fmt: skip
        wanted = {one.strip('"') for one in value[3:].split(",")}

    def test(image: Image) -> bool:
        told = shown(image).get(name)
        return (str(told).lower() if isinstance(told, bool) else str(told)) in wanted

    return test


def _sort(images: list[Image], request: Request) -> None:
    order = _order(request)
    for key, way in order:
        if key not in _SORT_KEYS:
            raise Refused(400, f"Invalid sort key: {key}")
        if way not in {"asc", "desc"}:
            raise Refused(400, f"Invalid sort direction: {way}")
    for key, way in reversed(order):
        images.sort(key=_SORT_KEYS[key], reverse=way == "desc")


def _order(request: Request) -> list[tuple[str, str]]:
    """Keys and ways, the most weighty first."""
    keys = [value for name, value in request.pairs if name == "sort_key"]
    ways = [value for name, value in request.pairs if name == "sort_dir"]
    if "sort" not in request.query:
        keys, ways = keys or ["created_at"], ways or ["desc"]
        return [(key, ways[min(at, len(ways) - 1)]) for at, key in enumerate(keys)]
    if keys or ways:
        raise Refused(400, "Old and new sorting syntax cannot be combined")
    words = [word.strip().partition(":") for word in request.query["sort"].split(",")]
    return [(key, way or "desc") for key, _, way in words]
