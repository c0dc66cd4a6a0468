"""The pages on machines on demand say what the code does."""

from __future__ import annotations

import re
from dataclasses import fields
from pathlib import Path

from pelagos.plane.capacity.openstack import OpenStackCapacity
from pelagos.plane.capacity.synnefo import SynnefoCapacity
from pelagos.plane.capacity.terms import CapacityTerms
from pelagos.plane.capacity.user_data import filled

ROOT = Path(__file__).parents[2]
HOW_TO = (ROOT / "docs/how-to/machines-on-demand.md").read_text()
REFERENCE = (ROOT / "docs/reference/capacity.md").read_text()


def test_the_script_takes_what_it_is_given() -> None:
    script = re.findall(r"```text [^\n]+\n(#!.*?)```", HOW_TO, re.DOTALL)[0]
    names = set(re.findall(r"@([A-Z]+)@", script))
    text = filled(script, dict.fromkeys(names, "x"), "script")
    assert names <= {"TOKEN", "NAME", "PARTITIONS", "CONFIG"}
    assert "@" not in text


def test_every_key_stands_in_the_reference_with_its_default() -> None:
    told = dict(re.findall(r"^\| `(\w+)` \| ([^|]+?) \|", REFERENCE, re.MULTILINE))
    assert set(told) == {one.name for one in fields(CapacityTerms)}
    for one in fields(CapacityTerms):
        if isinstance(one.default, int | float):
            assert float(told[one.name]) == one.default, one.name
    for kind in (OpenStackCapacity, SynnefoCapacity):
        for key in kind.KEYS:
            assert f"`{key}`" in REFERENCE or f"`{key} = " in REFERENCE, key


def test_every_cause_stands_in_the_reference() -> None:
    page = (ROOT / "docs/reference/causes.md").read_text()
    source = (ROOT / "src/pelagos/plane/capacity/causes.py").read_text()
    used = set(re.findall(r'"((?:machine|capacity|cloud)-[a-z-]+)"', source))
    assert len(used) > 15
    for code in used:
        assert f"| `{code}` |" in page, code
