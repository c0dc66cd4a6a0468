"""The pages of the reference that are made from the code say what the code says."""

import importlib.util
from pathlib import Path

from support.require import Require
from support.slapd import require_library

TOOL = Path(__file__).parents[2] / "tools" / "write_reference.py"
REFERENCE = Path(__file__).parents[2] / "docs" / "reference"


def pages() -> dict[str, str]:
    spec = importlib.util.spec_from_file_location("write_reference", TOOL)
    assert spec and spec.loader
    tool = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(tool)
    return tool.pages()


def test_the_pages_of_the_reference_are_what_the_code_says(require: Require):
    require_library(require)  # its errors are among those that a page lists
    wrong = [name for name, text in pages().items() if (REFERENCE / name).read_text() != text]
    assert wrong == [], "write them anew: python tools/write_reference.py"
