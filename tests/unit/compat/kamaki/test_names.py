"""Each public name of the ancestor can be imported from where it was, and is called as there."""

from __future__ import annotations

import importlib
import inspect
from pathlib import Path

import pytest

from pelagos.compat import kamaki

DATA = Path(__file__).parents[3] / "data" / "kamaki"

#: Modules and what programs import from them.
MODULES = (DATA / "names.txt").read_text()
#: Classes with their methods and arguments in order; one behind `=` has to be taken by name.
CALLS = (DATA / "calls.txt").read_text()


def _imports() -> list[tuple[str, str]]:
    lines = [line.partition(":") for line in MODULES.split("\n") if line]
    return [(module, name) for module, _, names in lines for name in names.split()]


def _calls() -> list[tuple[str, str, list[str]]]:
    found = []
    where = ""
    for line in CALLS.strip("\n").split("\n"):
        if not line.startswith(" "):
            where = line
            continue
        name, *arguments = line.split()
        found.append((where, name, arguments))
    return found


@pytest.mark.parametrize(("module", "name"), _imports())
def test_a_name_is_where_it_was(module: str, name: str) -> None:
    assert hasattr(importlib.import_module(f"{kamaki.__name__}.{module}"), name)


@pytest.mark.parametrize(
    ("where", "name", "arguments"), _calls(), ids=lambda one: one if isinstance(one, str) else ""
)
def test_a_method_is_called_as_it_was(where: str, name: str, arguments: list[str]) -> None:
    module, _, kind = where.rpartition(".")
    owner = getattr(importlib.import_module(f"{kamaki.__name__}.{module}"), kind)
    signature = inspect.signature(getattr(owner, name))
    is_static = isinstance(inspect.getattr_static(owner, name), staticmethod)
    me = () if is_static else (None,)
    in_order = [one for one in arguments if not one.startswith("=")]
    takes_rest = any(
        one.kind is inspect.Parameter.VAR_POSITIONAL for one in signature.parameters.values()
    )
    bound = signature.bind_partial(*me, *in_order)
    if not takes_rest and name != "__init__":
        former = [one for one in bound.arguments.values() if one is not None]
        assert former == in_order
        now = [one for one in bound.arguments if one != "self"]
        assert now == in_order, f"takes {now}"
    for one in arguments:
        code = getattr(inspect.getattr_static(owner, name), "__code__", None)
        if one.startswith("=") and code is not None and code.co_flags & inspect.CO_VARKEYWORDS:
            continue  # a wrapper that takes it by its former name
        signature.bind_partial(*me, **{one.removeprefix("="): 1})
