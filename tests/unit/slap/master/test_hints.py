"""Every refusal of a master says what to do about it."""

from __future__ import annotations

import ast
from pathlib import Path

from pelagos.slap import master

FOLDER = Path(master.__file__).parent


def refusals() -> list[tuple[str, ast.Call]]:
    return [
        (f"{path.relative_to(FOLDER)}:{node.lineno}", node)
        for path in sorted(FOLDER.rglob("*.py"))
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Call)
        and any(
            word.arg == "status"
            and isinstance(word.value, ast.Constant)
            and 400 <= int(word.value.value) < 500
            for word in node.keywords
        )
        and ast.unparse(node.func) != "Answer"
    ]


def test_every_refusal_has_a_hint():
    found = refusals()
    assert len(found) > 60
    assert not [
        where for where, node in found if not any(word.arg == "hint" for word in node.keywords)
    ]
