"""Shapes as Python: a module per kind of object, loaded when an answer needs it. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from pelagos.one.errors import OneConfigException
from pelagos.one.generate.shapes import DECIMAL, ELEMENT, FREE, INTEGER, REAL, TEXT, Shape, Shapes

_HEAD = '"""{title}. Written by `pelagos one generate`."""\n\nfrom __future__ import annotations\n'
_MAKERS = {INTEGER: "integer", TEXT: "text", DECIMAL: "decimal", REAL: "real", FREE: "template"}
#: Kinds that have no maker for lists are read as texts there.
_PLURALS = {INTEGER: "integers", TEXT: "texts", FREE: "templates"}
#: Words that the server writes as one.
_WORDS = {
    "BACKUPJOB": "BackupJob",
    "HOOKLOG": "HookLog",
    "MARKETPLACEAPP": "MarketplaceApp",
    "OPENNEBULA": "OpenNebula",
    "VMTEMPLATE": "VmTemplate",
    "VNET": "VNet",
    "VNTEMPLATE": "VNetTemplate",
    "VROUTER": "VRouter",
}
_SHARED = "shared"
#: Where the types are that come with Pelagos.
PACKAGE = "pelagos.one.results.types"
_WIDTH = 99


def class_name(path: str) -> str:
    """The name of the class of an element: "VM/HISTORY_RECORDS" gives "VmHistoryRecords"."""
    words = path.replace("/", "_").split("_")
    return "".join(_WORDS.get(word, word.capitalize()) for word in words)


def module_name(root: str) -> str:
    """The module of a root element; a pool is beside its members."""
    return root.removesuffix("_POOL").lower()


def write_modules(shapes: Shapes, package: str = PACKAGE) -> Mapping[str, str]:
    """Source per module, with `__init__` among them.

    Args:
        package: what the modules are imported from, as they import each other.

    Raises:
        OneConfigException: shapes that need each other in a circle, or two of one name.
    """
    modules: dict[str, list[str]] = {}
    for root in shapes.roots:
        modules.setdefault(module_name(root), []).append(root)
    sources = {"__init__": _index(shapes)}
    shared = _Module(shapes, _SHARED, package)
    for name in shapes.named:
        shared.put_named(name)
    sources[_SHARED] = shared.source("What several kinds of objects have in common")
    for name, roots in modules.items():
        module = _Module(shapes, name, package)
        for root in roots:
            module.put_root(root)
        sources[name] = module.source(f"What is known of {' and '.join(roots)}")
    return sources


def _index(shapes: Shapes) -> str:
    lines = [_HEAD.format(title="Where the class of each root element is")]
    lines += ["#: Per root element the module and the class.", "ROOTS = {"]
    lines += [
        f'    "{root}": ("{module_name(root)}", "{class_name(root)}"),'
        for root in sorted(shapes.roots)
    ]
    return "\n".join([*lines, "}", ""])


@dataclass
class _Module:
    """One module while it is written."""

    shapes: Shapes
    name: str
    package: str
    classes: dict[str, list[str]] = field(default_factory=dict)
    makers: set[str] = field(default_factory=set)
    bases: set[str] = field(default_factory=set)
    imports: dict[str, set[str]] = field(default_factory=dict)
    open: list[str] = field(default_factory=list)

    def put_named(self, name: str) -> str:
        """The class of a shape that several have in common."""
        return self._put(name, self.shapes.named[name])

    def put_root(self, name: str) -> str:
        """The class of a root element."""
        if name in self.open:
            raise OneConfigException(f"{' and '.join(self.open)} need each other")
        self.open.append(name)
        made = self._put(name, self.shapes.roots[name])
        self.open.pop()
        return made

    def _put(self, path: str, shape: Shape) -> str:
        made = class_name(path)
        title = f'    """{path}."""'
        if self.classes.get(made, ["", title])[1] != title:
            raise OneConfigException(f"{path} and another element would both be {made}")
        if made in self.classes:
            return made
        member = _member(path, shape) if shape is self.shapes.roots.get(path) else None
        lines = [self._line(path, name, below) for name, below in shape.fields.items()]
        base = "Element"
        if member is not None:
            base = f"Pool[{self._class(f'{path}/{member}', shape.fields[member])}]"
            lines.insert(0, f'    _member_ = "{member}"')
        self.bases.add(base.partition("[")[0])
        self.classes[made] = [f"class {made}({base}):", title, "", *lines]
        return made

    def _line(self, path: str, name: str, shape: Shape) -> str:
        if shape.kind == ELEMENT:
            maker = "children" if shape.is_list else "child"
            inside = f'{self._class(f"{path}/{name}", shape)}, "{name}"'
        else:
            maker, inside = _MAKERS[shape.kind], ""
            if shape.is_list:
                maker = _PLURALS.get(shape.kind, "texts")
        if shape.is_optional:
            maker += "_or_none"
        self.makers.add(maker)
        line = f"    {name} = {maker}({inside})"
        return line if len(line) <= _WIDTH else f"    {name} = {maker}(\n        {inside}\n    )"

    def _class(self, path: str, shape: Shape) -> str:
        if not shape.named:
            return self._put(path, shape)
        if shape.named in self.shapes.named:
            return self._from(_SHARED, shape.named)
        if shape.named not in self.shapes.roots:
            raise OneConfigException(f"{path} has the shape {shape.named}, which is not described")
        return self._from(module_name(shape.named), shape.named)

    def _from(self, module: str, name: str) -> str:
        if module != self.name:
            self.imports.setdefault(module, set()).add(class_name(name))
            return class_name(name)
        return self.put_named(name) if module == _SHARED else self.put_root(name)

    def source(self, title: str) -> str:
        """The module."""
        return "\n".join([_HEAD.format(title=title), *self._imports(), *self._bodies(), ""])

    def _imports(self) -> Iterator[str]:
        yield f"from pelagos.one.results.element import {', '.join(sorted(self.bases))}"
        if self.makers:
            yield _import("pelagos.one.results.field", self.makers)
        for module, names in sorted(self.imports.items()):
            yield _import(f"{self.package}.{module}", names)

    def _bodies(self) -> Iterator[str]:
        for lines in self.classes.values():
            yield from ["", "", *lines]


def _member(path: str, shape: Shape) -> str | None:
    """What a pool is a pool of."""
    name = path.removesuffix("_POOL")
    found = shape.fields.get(name)
    return name if name != path and found is not None and found.is_list else None


def _import(module: str, names: set[str]) -> str:
    line = f"from {module} import {', '.join(sorted(names))}"
    if len(line) <= _WIDTH:
        return line
    return "\n".join([f"from {module} import (", *(f"    {n}," for n in sorted(names)), ")"])
