"""Which things a listing shows, in which order, and which page of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any
from urllib.parse import urlencode

from pelagos.box.errors import Refused
from pelagos.box.network import checks
from pelagos.box.network.neutron.bodies import BAD
from pelagos.box.network.neutron.kinds import Kind
from pelagos.box.web import Request

_PAGING = frozenset({"limit", "marker", "page_reverse", "sort_key", "sort_dir", "fields"})
_TAGS = frozenset({"tags", "tags-any", "not-tags", "not-tags-any"})

Shown = dict[str, Any]


def listed(request: Request, kind: Kind, shown: Sequence[Shown]) -> dict[str, Any]:
    """The body of a listing.

    Args:
        shown: all that the caller sees.

    Raises:
        Refused: 400, by something else, or an odd page.
    """
    known = kind.attributes
    by: dict[str, list[str]] = {}
    for key, value in request.pairs:
        if key not in _PAGING:
            by.setdefault(key, []).append(value)
    unknown = sorted(set(by) - set(known) - _TAGS - {"tenant_id", "ip_address_substr"})
    if unknown:
        raise Refused(400, f"{unknown} is invalid attribute for filtering", name=BAD)
    found = [one for one in shown if all(_fits(one, key, told) for key, told in by.items())]
    _sort(request, found, known)
    page, links = _page(request, kind.plural, found)
    body: dict[str, Any] = {kind.key: [chosen(request, one) for one in page]}
    if links:
        body[f"{kind.key}_links"] = links
    return body


def chosen(request: Request, shown: Shown) -> Shown:
    """With the attributes that the query asks for, where it does."""
    wanted = {value for key, value in request.pairs if key == "fields"}
    return {key: value for key, value in shown.items() if key in wanted} if wanted else shown


def _fits(shown: Shown, key: str, told: list[str]) -> bool:
    if key in _TAGS:
        have, asked = set(shown.get("tags", ())), {tag for one in told for tag in one.split(",")}
        is_there = bool(have & asked) if key.endswith("any") else asked <= have
        return is_there != key.startswith("not-")
    if key == "ip_address_substr":
        return any(one in ip["ip_address"] for one in told for ip in shown.get("fixed_ips", ()))
    value = shown.get("project_id" if key == "tenant_id" else key)
    if key == "fixed_ips":
        return any(
            any(ip.get(name) == it for ip in value or ())
            for name, _, it in (one.partition("=") for one in told)
        )
    if isinstance(value, bool):
        return any(value == _flag(key, one) for one in told)
    if isinstance(value, list):
        return any(one in value for one in told)
    return ("" if value is None else str(value)) in told


def _flag(key: str, value: str) -> bool:
    try:
        return checks.flag(value)
    except ValueError as error:
        raise Refused(400, f"Invalid input for {key}. Reason: {error}.", name=BAD) from error


def _sort(request: Request, found: list[Shown], known: Mapping[str, Any]) -> None:
    keys = [value for key, value in request.pairs if key == "sort_key"]
    ways = [value for key, value in request.pairs if key == "sort_dir"]
    if len(ways) > len(keys) or set(ways) - {"asc", "desc"}:
        raise Refused(400, "The number of sort_keys and sort_dirs must be same", name=BAD)
    for key, way in reversed(list(zip(keys, [*ways, *["asc"] * len(keys)], strict=False))):
        if key not in known:
            raise Refused(400, f"[{key!r}] is invalid attribute for sort_key", name=BAD)
        found.sort(key=partial(_rank, key), reverse=way == "desc")


def _rank(key: str, shown: Shown) -> str:
    return str(shown.get(key) or "")


def _page(
    request: Request, plural: str, found: list[Shown]
) -> tuple[list[Shown], list[dict[str, str]]]:
    limit, marker = _limit(request), request.query.get("marker")
    backwards = _flag("page_reverse", request.query.get("page_reverse", "false"))
    if backwards:
        found.reverse()
    if marker:
        ids = [one["id"] for one in found]
        if marker not in ids:
            message = f"Invalid marker: {marker}"
            raise Refused(404, f"{message} could not be found.", name="NotFound")
        found = found[ids.index(marker) + 1 :]
    page = found[:limit] if limit else found
    links = []
    if limit and len(page) >= limit:
        links.append(_link(request, plural, "previous" if backwards else "next", page[-1]))
    if limit and page and marker:
        links.append(_link(request, plural, "next" if backwards else "previous", page[0]))
    return (page[::-1] if backwards else page), links


def _limit(request: Request) -> int:
    text = request.query.get("limit", "") or "0"
    if text.isascii() and text.isdigit():
        return int(text)
    message = f"Bad request. Limit must be an integer 0 or greater and not '{text}'"
    raise Refused(400, message, name=BAD)


def _link(request: Request, plural: str, rel: str, at: Shown) -> dict[str, str]:
    kept = [(key, it) for key, it in request.pairs if key not in {"marker", "page_reverse"}]
    if rel == "previous":
        kept.append(("page_reverse", "True"))
    query = urlencode([*kept, ("marker", at["id"])])
    return {"rel": rel, "href": f"{request.host}{request.prefix}/v2.0/{plural}?{query}"}
