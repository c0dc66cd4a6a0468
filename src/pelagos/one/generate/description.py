"""Shapes as a text that people read and edit. Pure.

VM                       an element that an answer begins with
  ID int                 a leaf: int, text, decimal, real, or free (a template)
  LOCK? &LOCK            `?` it may be missing; `&` it has the shape of that name
  HISTORY*               `*` there may be several; without a kind, what is below follows
    OID int

=LOCK                    a shape that several have in common
  LOCKED int
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from pelagos.one.errors import OneConfigException
from pelagos.one.generate.shapes import ELEMENT, LEAVES, Shape, Shapes

_STEP = "  "


def write(shapes: Shapes) -> str:
    """The description."""
    parts = [line for name, shape in shapes.named.items() for line in _lines(f"={name}", shape, 0)]
    for name, shape in shapes.roots.items():
        parts += ["", *_lines(name, shape, 0)] if parts else _lines(name, shape, 0)
    return "\n".join(parts) + "\n"


def _lines(name: str, shape: Shape, depth: int) -> Iterator[str]:
    mark = "*" if shape.is_list else "?" if shape.is_optional else ""
    kind = f" &{shape.named}" if shape.named else f" {shape.kind}"
    yield _STEP * depth + name + mark + (kind if kind != f" {ELEMENT}" else "")
    for inner, below in shape.fields.items():
        yield from _lines(inner, below, depth + 1)


def read(text: str) -> Shapes:
    """The shapes of a description. Lines that begin with `#` say nothing.

    Raises:
        OneConfigException: a line that is not as it should be.
    """
    lines = [
        (number, line)
        for number, line in enumerate(text.splitlines(), 1)
        if line.strip() and not line.startswith("#")
    ]
    found: dict[str, Shape] = {}
    while lines:
        name, shape = _read(lines, 0)
        found[name] = shape
    named = {name[1:]: shape for name, shape in found.items() if name.startswith("=")}
    return Shapes({name: s for name, s in found.items() if not name.startswith("=")}, named)


def _read(lines: list[tuple[int, str]], depth: int) -> tuple[str, Shape]:
    number, line = lines.pop(0)
    words = line.split()
    if _depth(line) != depth or len(words) > 2:  # noqa: PLR2004  # a name and a kind
        raise OneConfigException(f"line {number} of the description is not right: {line!r}")
    name = words[0].rstrip("*?")
    kind = words[1] if len(words) > 1 else ELEMENT
    is_list, is_optional = words[0].endswith("*"), words[0].endswith("?")
    if kind.startswith("&"):
        return name, Shape(ELEMENT, is_list, is_optional, named=kind[1:])
    if kind in LEAVES:
        return name, Shape(kind, is_list, is_optional)
    if kind != ELEMENT:
        raise OneConfigException(
            f"line {number} of the description has the kind {kind!r}",
            hint=f"there are: {', '.join(LEAVES)}",
        )
    fields: dict[str, Shape] = {}
    while lines and _depth(lines[0][1]) > depth:
        inner, shape = _read(lines, depth + 1)
        fields[inner] = shape
    return name, Shape(ELEMENT, is_list, is_optional, fields=fields)


def _depth(line: str) -> int:
    spaces = len(line) - len(line.lstrip(" "))
    return spaces // len(_STEP)


def paths(shapes: Shapes) -> Mapping[str, Shape]:
    """Every element by its path below the roots, as "VM/LOCK/TIME"."""
    found: dict[str, Shape] = {}

    def walk(path: str, shape: Shape) -> None:
        found[path] = shape
        for name, below in shapes.fields_of(shape).items():
            walk(f"{path}/{name}", below)

    for root, shape in shapes.roots.items():
        walk(root, shape)
    return found
