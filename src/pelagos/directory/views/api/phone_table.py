"""What the routes of desk phones do, those of each vendor. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from pelagos.directory.views.api.operation import Answer, Operation, Query
from pelagos.directory.views.phones.vendors import VENDORS

_PAGE = (
    Query("limit", "entries of a page", {"type": "integer", "minimum": 0}),
    Query("offset", "entries before it", {"type": "integer", "minimum": 0}),
)
_ABOUT = {"menu": "Menu", "input": "Form"}


def phone_operations(term: Query) -> Iterator[tuple[str, Operation]]:
    """Those of all vendors, by method and path; `term` is what a lookup asks for."""
    for vendor in VENDORS:
        document = {200: Answer("its document", None, (vendor.media_type,))}
        for step, is_known in (("menu", vendor.menu), ("input", vendor.form)):
            if is_known:
                about = f"{_ABOUT[step]} of {vendor.name} phones"
                yield _route(step, vendor.name), Operation(about, "phones", document)
        about = f"Results for {vendor.name} phones"
        lookup = Operation(about, "phones", document, (term, *_PAGE), None, (400, 404))
        yield _route("lookup", vendor.name), lookup


def _route(step: str, vendor: str) -> str:
    return f"GET /directories/{step}/{{profile}}/{{xivo_user_uuid}}/{vendor}"
