"""What a software release says of its parameters, and whether a wish keeps to it.

A release at URL may have a file at URL.json: for each software type, the JSON Schemas of its
parameters and how these are sent. A `Bundle` is that file with all schemas that it leads to, as
one value; who reads the files is `schema_files`. No disk and no network here.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote, urljoin

from pelagos.core import json_schema, wire
from pelagos.core.json_schema import Budget, Problem, SchemaError
from pelagos.core.spelling import nearest

#: Characters of a bundle as text.
BUNDLE_LIMIT = 512 * 1024
XML, JSON_IN_XML = "xml", "json-in-xml"
_FIRST_NAMES = frozenset({"default", "RootSoftwareInstance"})
_NAME = "parameters"


@dataclass(frozen=True, slots=True)
class Bundle:
    """All that a release says of parameters.

    Attributes:
        url: of the file that `document` is.
        schemas: absolute URL → schema.
    """

    url: str
    document: Mapping[str, Any] = field(default_factory=dict)
    schemas: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class KnownSchemas:
    """What a master knows of a release's parameters.

    Attributes:
        schemas: None when it knows nothing.
        refuses: whether it refuses requests that do not keep to them.
    """

    schemas: Bundle | None = None
    refuses: bool = True


@dataclass(frozen=True, slots=True)
class _Entry:
    software_type: str
    is_shared: bool
    serialisation: str
    request: str | None


def encode(bundle: Bundle) -> str:
    """A bundle as text."""
    return wire.encode(bundle).decode()


def decode(text: str) -> Bundle:
    """The bundle in a text.

    Raises:
        SchemaError: there is none.
    """
    if len(text) > BUNDLE_LIMIT:
        raise SchemaError("the schemas are too large")
    try:
        return wire.decode(text.encode(), Bundle)
    except wire.WireError as error:
        raise SchemaError(f"the schemas cannot be read: {error}") from error


def entries(document: Mapping[str, Any]) -> Iterator[_Entry]:
    """What a document says of each software type."""
    listed = document.get("software-type")
    usual = document.get("serialisation")
    for name, told in (listed if isinstance(listed, dict) else {}).items():
        if isinstance(told, dict):
            request = told.get("request")
            yield _Entry(
                software_type=str(told.get("software-type") or name),
                is_shared=bool(told.get("shared")),
                serialisation=str(told.get("serialisation") or usual or ""),
                request=request if isinstance(request, str) else None,
            )


def software_types(bundle: Bundle) -> tuple[str, ...]:
    """The software types that a release lists."""
    return tuple(dict.fromkeys(entry.software_type for entry in entries(bundle.document)))


def serialisation(bundle: Bundle, software_type: str, *, shared: bool = False) -> str:
    """How the parameters of a type are sent: xml or json-in-xml; empty when it does not say."""
    entry = _entry(bundle, software_type, shared=shared)
    return entry.serialisation if entry else ""


def problems(
    bundle: Bundle,
    software_type: str,
    parameters: Mapping[str, Any],
    *,
    shared: bool = False,
    budget: Budget | None = None,
) -> tuple[Problem, ...]:
    """What of a wish does not keep to the release's schemas; empty when all does.

    Args:
        parameters: as they are sent: texts, or values that become texts.
        budget: for all of it; a new one when None.

    Raises:
        SchemaError: the release's schemas cannot be used.
    """
    types = software_types(bundle)
    if types and not any(_is_same(software_type, one) for one in types):
        near = nearest(software_type, types)
        there_are = f"there are: {', '.join(types)}"
        allowed = f"did you mean {near}?" if near else there_are
        return (Problem("software type", f"{software_type!r} is not known", allowed),)
    budget = budget or Budget()
    entry = _entry(bundle, software_type, shared=shared)
    if entry is None or entry.request is None:
        return ()
    url = urljoin(bundle.url, entry.request)
    if url not in bundle.schemas:
        raise SchemaError(f"the schema {entry.request} could not be read")
    schema = bundle.schemas[url]
    if "_" in parameters or entry.serialisation == JSON_IN_XML:
        value = _decoded(parameters)
        if isinstance(value, Problem):
            return (value,)
    else:
        value = _typed(parameters, bundle, url, budget)
    return json_schema.check(
        value, schema, resources=bundle.schemas, base=url, name=_NAME, budget=budget
    )


def refusal(found: tuple[Problem, ...]) -> tuple[str, str]:
    """What is wrong with a wish, and what to do, in the words for a person."""
    first = found[0]
    more = f" (and {len(found) - 1} more)" if len(found) > 1 else ""
    return f"{first.path} {first.message}{more}", first.allowed or "see the release's description"


def in_one(parameters: Mapping[str, Any]) -> dict[str, Any]:
    """Parameters as json-in-xml sends them; those that are so already stay as they are."""
    if not parameters or "_" in parameters:
        return dict(parameters)
    return {"_": json.dumps(parameters, ensure_ascii=False)}


def as_wished(
    bundle: Bundle, software_type: str, texts: Mapping[str, str], *, shared: bool = False
) -> dict[str, Any]:
    """What a person wrote as texts, as the schema of that type takes it.

    A number, true, false, null, a list or an object where the schema takes one and no text; else
    the text itself.
    """
    entry = _entry(bundle, software_type, shared=shared)
    url = urljoin(bundle.url, (entry.request if entry else None) or "")
    if entry is None or entry.request is None or url not in bundle.schemas:
        return dict(texts)
    return _typed(texts, bundle, url, Budget())


def _entry(bundle: Bundle, software_type: str, *, shared: bool) -> _Entry | None:
    for entry in entries(bundle.document):
        if entry.is_shared == shared and _is_same(software_type, entry.software_type):
            return entry
    return None


def _is_same(one: str, other: str) -> bool:
    return one == other or {one, other} <= _FIRST_NAMES


def _decoded(parameters: Mapping[str, Any]) -> Any:
    """The parameters in the parameter `_`, or what is wrong with it."""
    others = [name for name in parameters if name != "_"]
    if others and "_" not in parameters:
        return Problem(
            _NAME,
            f"are read as JSON from the parameter _ alone, not from {', '.join(others[:5])}",
            'send _={"NAME": VALUE, …}',
        )
    text = parameters.get("_")
    if text is None:
        return {}
    try:
        return json.loads(str(text))
    except (ValueError, RecursionError) as error:
        return Problem(f"{_NAME}._", f"is not JSON: {error}", 'write for example {"size": 10}')


def _typed(
    parameters: Mapping[str, Any], bundle: Bundle, url: str, budget: Budget
) -> dict[str, Any]:
    """Parameters that travel as texts, as what their schema takes them for."""
    schema = bundle.schemas[url]
    known = schema.get("properties") if isinstance(schema, dict) else None
    known = known if isinstance(known, dict) else {}
    return {
        # An empty text is None in SLAP.
        name: _as_told("" if value is None else value, name, known.get(name), bundle, url, budget)
        for name, value in parameters.items()
    }


def _as_told(  # what a value is told by
    value: Any, name: str, told: Any, bundle: Bundle, url: str, budget: Budget
) -> Any:
    """A value as it is, unless its schema takes no texts and it is the text of something else."""
    if not isinstance(told, dict):
        return value
    meant = _meant(value) if isinstance(value, str) else value
    kinds = told.get("type")
    if kinds is None and meant is not value:  # the schema says it by a reference, or by a choice
        part = {"$ref": f"{url}#/properties/{_pointer(name)}"}
        is_text = not json_schema.check(value, part, resources=bundle.schemas, budget=budget)
    else:
        is_text = "string" in ([kinds] if isinstance(kinds, str) else kinds or ["string"])
    return value if is_text else meant


def _meant(text: str) -> Any:
    """The number, truth value, list or object that a text stands for; itself for any other."""
    if text.lower() in {"true", "false"}:
        return text.lower() == "true"
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return text


def _pointer(name: str) -> str:
    return quote(name.replace("~", "~0").replace("/", "~1"), safe="~")
