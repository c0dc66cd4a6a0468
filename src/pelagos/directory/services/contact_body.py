"""What somebody sends as a contact. Pure decisions."""

from __future__ import annotations

from collections.abc import Mapping

from pelagos.directory.errors import InvalidError


def read_body(body: object) -> dict[str, str]:
    """The attributes of a contact, without `id`.

    Raises:
        InvalidError: says everything that is wrong, one line each.
    """
    if not isinstance(body, Mapping):
        raise InvalidError(["a contact is a JSON object of texts"])
    reasons = []
    if any(not isinstance(name, str) for name in body):
        reasons.append("the name of an attribute is not text")
    if "" in body:
        reasons.append("the name of an attribute is empty")
    reasons += [
        f"the value of {name!r} is not text"
        for name, value in body.items()
        if name != "id" and not isinstance(value, str)
    ]
    attributes = {str(name): value for name, value in body.items() if name != "id"}
    if not attributes:
        reasons.append("there is no attribute in it")
    if reasons:
        raise InvalidError(reasons)
    return attributes
