"""Lists of Pithos as JSON, XML or lines of text."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from html import escape
from typing import Any

from pelagos.box.synnefo import JSON_TYPE, TEXT_TYPE, XML_TYPE
from pelagos.box.web import Answer
from pelagos.core import wire


def answer(
    shown: Iterable[Mapping[str, Any]],
    kind: str,
    headers: Mapping[str, str],
    *,
    outer: str,
    inner: str,
    name: str,
) -> Answer:
    """A list.

    Args:
        kind: "json", "xml" or "text".
        outer, inner: how XML calls the list and its items.
        name: of what is listed.
    """
    listed = list(shown)
    if kind == "json":
        return Answer(200, {**headers, "Content-Type": JSON_TYPE}, wire.encode(listed))
    if kind == "xml":
        text = _xml(listed, outer, inner, name)
        return Answer(200, {**headers, "Content-Type": XML_TYPE}, text.encode())
    lines = "".join(f"{one.get('name', one.get('subdir'))}\n" for one in listed)
    return Answer(200 if lines else 204, {**headers, "Content-Type": TEXT_TYPE}, lines.encode())


def _xml(listed: list[Mapping[str, Any]], outer: str, inner: str, name: str) -> str:
    lines = ['<?xml version="1.0" encoding="UTF-8"?>', f'<{outer} name="{escape(name)}">']
    for one in listed:
        if "subdir" in one:
            lines.append(f'  <subdir name="{escape(one["subdir"])}" />')
            continue
        lines.append(f"  <{inner}>")
        lines += [f"    <{key}>{escape(str(it))}</{key}>" for key, it in one.items()]
        lines.append(f"  </{inner}>")
    return "\n".join([*lines, f"</{outer}>"])
