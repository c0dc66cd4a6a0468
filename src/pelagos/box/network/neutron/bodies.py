"""What bodies of requests say of networks and their like, checked as Neutron checks them."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import Any

from pelagos.box.errors import Refused
from pelagos.box.network.attributes import REQUIRED, UNSET, Attribute
from pelagos.box.network.store import Caller

BAD = "HTTPBadRequest"


def items(document: Mapping[str, Any], name: str, plural: str) -> tuple[list[Any], bool]:
    """The things that a body tells, and whether it tells several.

    Raises:
        Refused: 400, none.
    """
    if plural in document and name not in document:
        told = document[plural]
        if not isinstance(told, list) or not told:
            raise Refused(400, f"Resources required: '{plural}'", name=BAD)
        return [_item(one.get(name, one) if isinstance(one, dict) else one) for one in told], True
    if name not in document:
        raise Refused(400, f"Unable to find '{name}' in request body", name=BAD)
    return [_item(document[name])], False


def _item(told: Any) -> dict[str, Any]:
    if not isinstance(told, dict):
        raise Refused(400, "Body contains invalid data", name=BAD)
    return dict(told)


def new(
    told: dict[str, Any], attributes: Mapping[str, Attribute], caller: Caller, name: str
) -> dict[str, Any]:
    """All that is said of a new thing, with defaults.

    Raises:
        Refused: 400 it cannot be so, 403 the caller may not say so.
    """
    _project(told, caller, name)
    _known(told, attributes)
    for key in told:
        if not attributes[key].post:
            raise Refused(400, f"Attribute '{key}' not allowed in POST", name=BAD)
    fields: dict[str, Any] = {}
    forbidden = []
    for key, attribute in attributes.items():
        if key not in told:
            if attribute.default is REQUIRED:
                message = f"Failed to parse request. Required attribute '{key}' not specified"
                raise Refused(400, message, name=BAD)
            if attribute.default is not UNSET:
                fields[key] = copy.copy(attribute.default)
            continue
        fields[key] = _checked(key, told[key], attribute)
        if attribute.admin and not caller.is_admin and fields[key] != attribute.default:
            forbidden.append(key)
    _allowed(forbidden, f"create_{name}")
    fields.pop("tenant_id", None)
    return fields


def changes(
    told: dict[str, Any], attributes: Mapping[str, Attribute], caller: Caller, name: str
) -> dict[str, Any]:
    """What is said to change of a thing.

    Raises:
        Refused: 400 it cannot be so, 403 the caller may not say so.
    """
    _known(told, attributes)
    for key in told:
        if not attributes[key].put:
            raise Refused(400, f"Cannot update read-only attribute {key}", name=BAD)
    fields = {key: _checked(key, value, attributes[key]) for key, value in told.items()}
    _allowed([key for key in fields if attributes[key].admin and not caller.is_admin],
             f"update_{name}")  # fmt: skip
    return fields


def _checked(key: str, value: Any, attribute: Attribute) -> Any:
    try:
        return attribute.check(value)
    except ValueError as error:
        raise Refused(400, f"Invalid input for {key}. Reason: {error}.", name=BAD) from error


def _known(told: Mapping[str, Any], attributes: Mapping[str, Attribute]) -> None:
    if unknown := sorted(set(told) - set(attributes)):
        raise Refused(400, f"Unrecognized attribute(s) '{', '.join(unknown)}'", name=BAD)


def _project(told: dict[str, Any], caller: Caller, name: str) -> None:
    both = [told[key] for key in ("project_id", "tenant_id") if told.get(key)]
    if len(set(map(str, both))) > 1:
        raise Refused(400, "'project_id' and 'tenant_id' do not match", name=BAD)
    whose = str(both[0]) if both else caller.project_id
    if whose != caller.project_id and not caller.is_admin:
        raise forbidden(f"rule:create_{name}")
    if not whose:
        message = "Running without keystone AuthN requires that tenant_id is specified"
        raise Refused(400, message, name=BAD)
    told["project_id"] = told["tenant_id"] = whose


def _allowed(told: list[str], verb: str) -> None:
    if told:
        raise forbidden(f"rule:{verb}", *(f"rule:{verb}:{key}" for key in told))


def forbidden(*rules: str) -> Refused:
    """Only others may do so."""
    told = f"({' and '.join(rules)})" if len(rules) > 1 else rules[0]
    return Refused(403, f"{told} is disallowed by policy", name="PolicyNotAuthorized")
