"""OpenNebula's XML schemas as shapes."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from xml.etree import ElementTree as ET
from xml.etree.ElementTree import Element as Node

from pelagos.one.errors import OneConfigException
from pelagos.one.generate.shapes import (
    DECIMAL,
    ELEMENT,
    FREE,
    INTEGER,
    REAL,
    TEXT,
    Shape,
    Shapes,
    merged,
    settled,
)

_XS = "{http://www.w3.org/2001/XMLSchema}"
_TYPES = {
    "integer": INTEGER,
    "int": INTEGER,
    "long": INTEGER,
    "decimal": DECIMAL,
    "float": REAL,
    "double": REAL,
    "string": TEXT,
    "anyType": FREE,
}
_GROUPS = {_XS + name for name in ("sequence", "all", "choice")}


def read_schemas(folder: Path) -> Shapes:
    """What the *.xsd files of a folder say; two of one root element are merged.

    Raises:
        OneConfigException: there are none, or one cannot be read.
    """
    files = sorted(folder.glob("*.xsd"))
    if not files:
        raise OneConfigException(
            f"there are no *.xsd files in {folder}",
            hint="they are in share/doc/xsd of OpenNebula's source, and in /usr/share/one",
        )
    roots: dict[str, Shape] = {}
    named: dict[str, Shape] = {}
    for path in files:
        for node in _parsed(path):
            name = node.get("name", "")
            if node.tag == _XS + "complexType":
                named[name] = _content(node)
            elif node.tag == _XS + "element":
                shape = _element(node)[1]
                roots[name] = merged(roots[name], shape) if name in roots else shape
    return Shapes(roots, named)


def _parsed(path: Path) -> Node:
    text = path.read_bytes()
    if b"<!DOCTYPE" in text:
        raise OneConfigException(f"{path} has a document type, which no schema of OpenNebula has")
    try:
        return ET.fromstring(text)  # noqa: S314  # without a document type, no entities
    except ET.ParseError as error:
        raise OneConfigException(f"{path} is not well-formed XML: {error}") from error


def _element(node: Node, *, in_choice: bool = False) -> tuple[str, Shape]:
    name = node.get("name", "") or node.get("ref", "")
    is_list = in_choice or node.get("maxOccurs", "1") != "1"
    is_optional = node.get("minOccurs", "1") == "0"
    shape = _typed(node)
    facts = Shape(shape.kind, is_list, is_optional and not is_list, shape.named, shape.fields)
    return name, settled(name, facts)


def _typed(node: Node) -> Shape:
    if node.get("ref"):
        return Shape(ELEMENT, named=node.get("ref", ""))
    prefix, _, kind = node.get("type", "").rpartition(":")
    if prefix:
        return Shape(_TYPES.get(kind, TEXT))
    if kind:
        return Shape(ELEMENT, named=kind)
    body = node.find(_XS + "complexType")
    if body is not None:
        return _content(body)
    return Shape(TEXT) if node.find(_XS + "simpleType") is not None else Shape(FREE)


def _content(node: Node) -> Shape:
    fields: dict[str, Shape] = {}
    for name, shape in _below(node, in_choice=False):
        fields[name] = merged(fields[name], shape) if name in fields else shape
    return Shape(ELEMENT, fields=fields)


def _below(node: Node, *, in_choice: bool) -> Iterator[tuple[str, Shape]]:
    for inner in node:
        if inner.tag == _XS + "element":
            yield _element(inner, in_choice=in_choice)
        elif inner.tag in _GROUPS:
            is_open = inner.tag == _XS + "choice" and inner.get("maxOccurs", "1") != "1"
            yield from _below(inner, in_choice=in_choice or is_open)
