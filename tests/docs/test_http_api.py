"""The page on the HTTP interface names every call that the master answers."""

from __future__ import annotations

import json
import re
from pathlib import Path

import jsonschema

from pelagos.slap.master.faces.jsonrpc_methods import METHODS
from support.slap_site import Site

ROOT = Path(__file__).parents[2]
PAGE_FOLDER = ROOT / "docs" / "reference"
PAGE = (PAGE_FOLDER / "http-api.md").read_text()


def test_every_call_is_on_the_page(tmp_path: Path):
    site = Site(tmp_path)
    try:
        rules = [str(rule) for rule in site.master.app.url_map.iter_rules()]
    finally:
        site.close()
    assert len(rules) > 70
    named = {rule.partition("<")[0].strip("/") for rule in rules}
    assert {name for name in named if name not in PAGE} == set()


def test_every_call_is_in_the_description_for_programs(tmp_path: Path):
    site = Site(tmp_path)
    try:
        rules = {
            re.sub(r"<(?:[^<>:]*:)?(\w+)>", r"{\1}", str(rule))
            for rule in site.master.app.url_map.iter_rules()
        }
    finally:
        site.close()
    described = json.loads((PAGE_FOLDER / "master-openapi.json").read_text())["paths"]
    assert {rule for rule in rules if not rule.startswith("/static")} <= set(described)


def test_the_description_of_the_bus_is_one_of_asyncapi():
    form = json.loads((ROOT / "tests/data/asyncapi-3.0.json").read_text())
    described = json.loads((PAGE_FOLDER / "plane-asyncapi.json").read_text())
    checker = jsonschema.validators.validator_for(form)(form)
    assert [error.message for error in checker.iter_errors(described)] == []


def test_every_property_of_a_method_is_on_the_page():
    lines = {
        line.split("`")[1]: line for line in PAGE.splitlines() if line.startswith("| `slapos.")
    }
    assert set(lines) == set(METHODS)
    for name, method in METHODS.items():
        missing = [key for key in method.shape["properties"] if key not in lines[name]]
        assert missing == [], name
