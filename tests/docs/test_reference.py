"""The pages of the reference that are made from the code say what the code says."""

import importlib.util
from pathlib import Path

import pytest

TOOL = Path(__file__).parents[2] / "tools" / "write_reference.py"
REFERENCE = Path(__file__).parents[2] / "docs" / "reference"


def pages() -> dict[str, str]:
    spec = importlib.util.spec_from_file_location("write_reference", TOOL)
    assert spec and spec.loader
    tool = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(tool)
    return tool.pages()


@pytest.mark.parametrize(
    "name", ["cli.md", "exit-codes.md", "configuration.md", "rights.md", "clients-methods.md"]
)
def test_a_page_of_the_reference_is_what_the_code_says(name: str):
    written = (REFERENCE / name).read_text()
    assert written == pages()[name], "write it anew: python tools/write_reference.py"
