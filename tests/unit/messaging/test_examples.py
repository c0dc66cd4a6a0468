"""The examples in the docstrings and in the document run, and do what they show."""

from __future__ import annotations

import doctest
import importlib
import pkgutil
import re
from pathlib import Path
from types import ModuleType

import pytest

from pelagos import messaging

DOCUMENT = Path(__file__).parents[3] / "docs" / "explanation" / "messaging.md"
MODULES = [
    importlib.import_module(entry.name)
    for entry in pkgutil.walk_packages(messaging.__path__, "pelagos.messaging.")
]


@pytest.mark.parametrize("module", MODULES, ids=lambda module: module.__name__)
def test_the_examples_of_a_module_hold(module: ModuleType) -> None:
    assert doctest.testmod(module).failed == 0


def test_there_are_examples() -> None:
    assert sum(doctest.testmod(module).attempted for module in MODULES) > 10


def test_the_example_of_the_document_runs() -> None:
    (block,) = re.findall(r"^```python\n(.*?)^```", DOCUMENT.read_text(), re.DOTALL | re.MULTILINE)
    space: dict[str, object] = {}
    exec(block, space)  # the point of the test
    assert space["heard"] in ([], [{"parameters": {"since": 5}}])
