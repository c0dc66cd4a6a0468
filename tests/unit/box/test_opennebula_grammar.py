"""The grammar of templates, against what a real server made of 78 texts."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pelagos.box.opennebula.errors import Failure
from pelagos.box.opennebula.grammar import parse
from support.one_answers import DATA

_CASES = json.loads((DATA / "samples/template_grammar.json").read_text("utf-8"))
_LENGTH = len("ERR 8192 [one.template.allocate] Parse error")


@pytest.mark.parametrize(
    "case",
    [one for one in _CASES if not one["got"].startswith("EXC")],  # those never reach the grammar
    ids=lambda one: one["case"],
)
def test_a_text_becomes_what_the_real_server_made_of_it(case: dict[str, str]) -> None:
    try:
        read = parse(case["sent"])
        named = read.take("NAME")
        got = read.xml() if named else "ERR 8192 [one.template.allocate] Invalid NAME, it cannot"
    except Failure as failure:
        got = f"ERR {int(failure.code)} [one.template.allocate] {failure.message}"
    wanted = case["got"]
    if wanted.startswith("ERR"):
        assert got[:_LENGTH] == wanted[:_LENGTH]
    else:
        assert got == wanted


@given(st.text(alphabet='ABx1 =[],"\\\n#<>/!-[]CDATA&;', max_size=60))
def test_any_text_is_read_or_refused(text: str) -> None:
    try:
        read = parse(text)
    except Failure:
        return
    assert parse(read.xml()).xml() == read.xml()


def test_a_merge_replaces_each_name_as_a_whole() -> None:
    kept = parse('A="1"\nA="2"\nV=[X="1", Y="2"]\nB="3"\nW=[Q="1"]')
    kept.merge(parse('A="9"\nV=[X="7"]\nW=[]'))
    assert kept.xml() == parse('A="9"\nB="3"\nV=[X="7"]').xml()


def test_entities_of_a_document_are_refused() -> None:
    bomb = '<!DOCTYPE T [<!ENTITY a "b">]><T><A>&a;</A></T>'
    with pytest.raises(Failure, match="malformed"):
        parse(bomb)
