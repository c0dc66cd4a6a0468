"""What is known of elements, as values. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

#: Kinds of leaves, as a description writes them.
INTEGER, TEXT, DECIMAL, REAL, FREE = "int", "text", "decimal", "real", "free"
LEAVES = (INTEGER, TEXT, DECIMAL, REAL, FREE)
#: The kind of an element with elements in it.
ELEMENT = "element"
#: Free-form wherever they are, whatever a schema says: users write into them.
_USERS_OWN = frozenset({"TEMPLATE", "USER_TEMPLATE"})


@dataclass(frozen=True, slots=True)
class Shape:
    """One element.

    Attributes:
        kind: of a leaf, or ELEMENT.
        is_list: there may be several.
        is_optional: it may be missing.
        named: the shape that it has in common with others, by name; then it has no fields of its
            own (but while schemas are read).
        fields: elements below it, by name, in order.
    """

    kind: str = ELEMENT
    is_list: bool = False
    is_optional: bool = False
    named: str = ""
    fields: Mapping[str, Shape] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Shapes:
    """All that is known.

    Attributes:
        roots: elements that answers begin with.
        named: shapes that several have in common.
    """

    roots: Mapping[str, Shape]
    named: Mapping[str, Shape]

    def fields_of(self, shape: Shape) -> Mapping[str, Shape]:
        """The elements below, also of one that has its shape in common with others."""
        if not shape.named:
            return shape.fields
        return (self.named.get(shape.named) or self.roots[shape.named]).fields


def settled(name: str, shape: Shape) -> Shape:
    """The shape with what holds of all answers, whatever a schema says of this one."""
    if name in _USERS_OWN:
        return replace(shape, kind=FREE, named="", fields={})
    if shape.kind == ELEMENT and not shape.named and not shape.fields:
        return replace(shape, kind=FREE)
    return shape


def merged(first: Shape, second: Shape) -> Shape:
    """What is true of both: two schemas describe one element."""
    is_list = first.is_list or second.is_list
    is_optional = (first.is_optional or second.is_optional) and not is_list
    if first.kind != second.kind:
        kinds = {first.kind, second.kind}
        if ELEMENT in kinds:
            kept = first if first.kind == ELEMENT else second
            return replace(kept, is_list=is_list, is_optional=is_optional)
        kind = next(kind for kind in (TEXT, FREE, REAL, DECIMAL) if kind in kinds)
        return Shape(kind, is_list, is_optional)
    named = first.named or second.named
    names = [*first.fields, *(name for name in second.fields if name not in first.fields)]
    fields = {
        name: merged(first.fields[name], second.fields[name])
        if name in first.fields and name in second.fields
        else _at_times(first.fields.get(name) or second.fields[name], named)
        for name in names
    }
    return Shape(first.kind, is_list, is_optional, named, fields)


def _at_times(shape: Shape, named: str) -> Shape:
    """What only one of two says: it may be missing, unless the other says it by a name."""
    return replace(shape, is_optional=not shape.is_list and not named)


def joined(first: Shapes, second: Shapes) -> Shapes:
    """Both; what the second says of an element is added to what the first says."""
    roots = dict(first.roots)
    for name, shape in second.roots.items():
        roots[name] = added(roots[name], shape) if name in roots else shape
    return Shapes(roots, {**first.named, **second.named})


def added(first: Shape, second: Shape) -> Shape:
    """The first with the fields that only the second knows."""
    fields = dict(first.fields)
    for name, shape in second.fields.items():
        fields[name] = added(fields[name], shape) if name in fields else shape
    return replace(first, fields=fields)


def with_members(shapes: Shapes) -> Shapes:
    """The members of a pool have the shape of their own root, where there is one."""
    roots = dict(shapes.roots)
    for pool in [name for name in roots if name.endswith("_POOL")]:
        fields = dict(roots[pool].fields)
        for name, shape in fields.items():
            if name in roots and shape.kind == ELEMENT and shape.fields:
                body = Shape(ELEMENT, fields=shape.fields)
                roots[name] = merged(roots[name], body)
                fields[name] = replace(shape, named=name, fields={})
        roots[pool] = replace(roots[pool], fields=fields)
    return Shapes(roots, shapes.named)
