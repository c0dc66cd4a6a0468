"""Type stubs of all calls, from the table of calls and the shapes of their results. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from pelagos.one.generate.code import class_name, module_name
from pelagos.one.generate.shapes import Shapes
from pelagos.one.methods import Method, Parameter

_HEAD = '''"""Types of all calls. Written by `pelagos one generate`."""

# ruff: noqa: A002, PYI021, E501
# fmt: off

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any, Protocol

from pelagos.core.clock import Clock
from pelagos.one import methods
from pelagos.one.market import Exported
'''
_BASE = """
class Sender(Protocol):
    def send(self, method: str, params: Sequence[Any], *, may_repeat: bool) -> Any: ...

class Call:
    method: methods.Method
    def __init__(self, sender: Sender, method: methods.Method) -> None: ...
    def __call__(self, *args: Any, **named: Any) -> Any: ...

class Calls:
    _sender: Sender
    def __init__(self, sender: Sender, name: str) -> None: ...
    def _method(self, name: str) -> methods.Method: ...

def calls_of(sender: Sender, name: str) -> Calls: ...
"""
_KINDS = {"i": "int", "l": "int", "b": "bool", "I": "Sequence[int]"}
#: What is put together on this side, per resource.
_EXTRAS = {
    "vm": """    def wait(
        self,
        id: int,
        state: str | int | Collection[str | int] = "RUNNING",
        timeout: float = 600.0,
        *,
        clock: Clock | None = None,
    ) -> Vm: ...
""",
    "marketapp": """    def export(
        self,
        appid: int,
        dsid: int | None = None,
        name: str | None = None,
        vmtemplate_name: str | None = None,
    ) -> Exported: ...
""",
}
_ITER = """    def iter(
        self,
        filter_flag: int = -2,
        *,
        start: int = 0,
        page: int = 200,
        extended: bool = False,
        **more: Any,
    ) -> Iterator[{member}]: ...
"""


def write_stub(methods: Iterable[Method], shapes: Shapes) -> str:
    """`resources.pyi`."""
    table: dict[str, list[Method]] = {}
    for method in methods:
        table.setdefault(method.resource, []).append(method)
    parts = [_HEAD.rstrip("\n"), *_imports(table, shapes), _BASE]
    for resource, calls in table.items():
        parts += ["", f"class {_calls_name(resource)}(Calls):"]
        for method in calls:
            parts += _call(method, shapes)
        parts += [_EXTRAS[resource]] if resource in _EXTRAS else []
        parts += _iter(resource, calls, shapes)
    parts += ["", "class Resources:", "    drops_surplus: bool"]
    parts += [f"    {resource}: {_calls_name(resource)}" for resource in table]
    return "\n".join(parts).replace("\n\n\n", "\n\n") + "\n"


def _calls_name(resource: str) -> str:
    return f"{resource.capitalize()}Calls"


def _imports(table: dict[str, list[Method]], shapes: Shapes) -> Iterator[str]:
    found: dict[str, set[str]] = {}
    for calls in table.values():
        for method in calls:
            if method.result in shapes.roots:
                names = {method.result}
                member = method.result.removesuffix("_POOL")
                names |= {member} & shapes.roots.keys()
                for name in names:
                    found.setdefault(module_name(name), set()).add(class_name(name))
    for module, classes in sorted(found.items()):
        yield f"from pelagos.one.results.types.{module} import {', '.join(sorted(classes))}"


def _call(method: Method, shapes: Shapes) -> Iterator[str]:
    results = {"int": "int", "text": "str"}
    result = results.get(method.result) or (
        class_name(method.result) if method.result in shapes.roots else "Element"
    )
    params = ", ".join(["self", *map(_parameter, method.parameters)])
    yield f"    def {method.call}({params}) -> {result}:"
    notes = [f"{p.name} since {p.since}" for p in method.parameters if p.since]
    since = "" if method.since == "<=4.14" else f" Since {method.since}."
    more = f" ({', '.join(notes)})" if notes else ""
    yield f'        """{method.summary[:1].upper()}{method.summary[1:]}{more}.{since}"""'
    yield ""


def _parameter(parameter: Parameter) -> str:
    kind = _KINDS.get(parameter.kind, "str")
    if parameter.kind == "s" and "template" in parameter.name:
        kind = "str | Mapping[str, Any]"
    if parameter.is_required:
        return f"{parameter.name}: {kind}"
    default = {"s": f'"{parameter.default}"', "I": "..."}.get(parameter.kind, parameter.default)
    return f"{parameter.name}: {kind} = {default}"


def _iter(resource: str, calls: list[Method], shapes: Shapes) -> Iterator[str]:
    info = next((method for method in calls if method.call == "info"), None)
    if resource.endswith("pool") and info is not None:
        member = info.result.removesuffix("_POOL")
        yield _ITER.format(member=class_name(member) if member in shapes.roots else "Element")
