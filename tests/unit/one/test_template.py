"""Structured parameters: what the server reads back is what was sent, or it is refused early."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from decimal import Decimal
from enum import IntEnum
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pelagos.box.opennebula.grammar import Attributes, parse
from pelagos.one.template import QUOTA_ROOTS, TemplateError, encode, text_of


class _State(IntEnum):
    READY = 1


_NAMES = st.from_regex(r"[A-Z_][A-Z0-9_]{0,5}", fullmatch=True).filter(
    lambda name: not name.startswith("XML")
)
_TEXTS = st.one_of(
    st.text(alphabet="ab\"\\\n\t =[],#<>&;'`$%{}\u00e9\u65e5\u2028\x85", max_size=12),
    st.text(st.characters(max_codepoint=0xFFFD, blacklist_categories=("Cs", "Cc")), max_size=12),
).filter(lambda text: "]]>" not in text)
_SCALARS = st.one_of(_TEXTS, st.integers(), st.booleans())
_VECTORS = st.dictionaries(_NAMES, _SCALARS, min_size=1, max_size=4)
_ONE = st.one_of(_SCALARS, _VECTORS)
_TEMPLATES = st.dictionaries(
    _NAMES, st.one_of(_ONE, st.lists(_ONE, min_size=1, max_size=3)), min_size=2, max_size=5
)


def _wanted(value: dict[str, Any]) -> Attributes:
    read = Attributes()
    for name, one in value.items():
        for item in one if isinstance(one, list) else [one]:
            read.add(
                name,
                {key: text_of(inside) for key, inside in item.items()}
                if isinstance(item, dict)
                else text_of(item),
            )
    return read


@given(_TEMPLATES)
def test_what_is_read_back_is_what_was_sent(value: dict[str, Any]) -> None:
    assert parse(encode(value)).pairs == _wanted(value).pairs


@given(st.dictionaries(_NAMES, _TEXTS, min_size=1, max_size=5))
def test_flat_templates_are_read_back_as_they_were_sent(value: dict[str, str]) -> None:
    assert parse(encode(value)).pairs == _wanted(value).pairs


@given(_TEMPLATES)
def test_what_was_read_can_be_sent_back(value: dict[str, Any]) -> None:
    stored = parse(encode(value))
    assert parse(encode(_Multi(stored.pairs))).xml() == stored.xml()


class _Multi(Mapping[str, object]):
    """A template as results give it."""

    def __init__(self, pairs: list[tuple[str, Any]]) -> None:
        self._pairs = pairs

    def multi_items(self) -> list[tuple[str, Any]]:
        return self._pairs

    def __getitem__(self, name: str) -> object:
        return next(value for key, value in self._pairs if key == name)

    def __iter__(self) -> Iterator[str]:
        return iter(dict.fromkeys(key for key, _ in self._pairs))

    def __len__(self) -> int:
        return len({key for key, _ in self._pairs})


@given(st.dictionaries(st.text(max_size=6), st.one_of(st.text(max_size=20), st.none())))
def test_any_mapping_of_texts_is_sent_whole_or_refused(value: dict[str, str | None]) -> None:
    try:
        sent = encode(value)
    except TemplateError:
        return
    given_names = sorted(name.upper() for name, one in value.items() if one is not None)
    assert sorted(name for name, _ in parse(sent).pairs) == given_names


@pytest.mark.parametrize(
    ("value", "written"),
    [
        ({"A": "1", "B": 2}, 'A="1"\nB="2"\n'),
        ({"A": 'say "hi"'}, 'A="say \\"hi\\""\n'),
        ({"A": "C:\\x\\"}, "<TEMPLATE><A>C:\\x\\</A></TEMPLATE>"),
        ({"A": True, "B": None, "C": _State.READY}, 'A="YES"\nC="1"\n'),
        ({"A": 1.5, "B": Decimal("2.50")}, 'A="1.5"\nB="2.50"\n'),
        ({"A": ["1", "2"]}, "<TEMPLATE><A>1</A><A>2</A></TEMPLATE>"),
        ({"OS": {"ARCH": "x"}}, "<TEMPLATE><OS><ARCH>x</ARCH></OS></TEMPLATE>"),
        ({"TEMPLATE": {"NAME": "a"}}, "<TEMPLATE><NAME>a</NAME></TEMPLATE>"),
        ({"VM": {"NAME": "a"}}, "<VM><NAME>a</NAME></VM>"),
        ({"TEMPLATE": {}}, "<TEMPLATE></TEMPLATE>"),
        ({"TEMPLATE": {"A": ""}}, "<TEMPLATE><A><![CDATA[]]></A></TEMPLATE>"),
        ({"TEMPLATE": {"A": '<b>&"'}}, '<TEMPLATE><A>&lt;b&gt;&amp;"</A></TEMPLATE>'),
        (
            {"NAME": "x", "OS": {"ARCH": "y"}},
            "<TEMPLATE><NAME>x</NAME><OS><ARCH>y</ARCH></OS></TEMPLATE>",
        ),
    ],
)
def test_a_mapping_is_written_like_this(value: dict[str, Any], written: str) -> None:
    assert encode(value) == written


def test_a_quota_of_machines_is_no_root() -> None:
    written = encode({"VM": {"VMS": 3}}, roots=QUOTA_ROOTS)
    assert written == "<TEMPLATE><VM><VMS>3</VMS></VM></TEMPLATE>"


@pytest.mark.parametrize(
    ("value", "path"),
    [
        ({"A": "x]]>y"}, "A"),
        ({"A": "\x01"}, "A"),
        ({"A": "\U0001f600"}, "A"),
        ({"A": "\ud800"}, "A"),
        ({"DISK": [{"SIZE": 1}, {"SIZE": "\x00"}]}, "DISK[1].SIZE"),
        ({"TEMPLATE": {"V": {"A": {"B": 1}}}}, "TEMPLATE.V.A"),
        ({"V": {"A": [1, 2]}}, "V.A"),
        ({"A": [[1]]}, "A[0]"),
        ({"V": {}, "A": 1}, "V"),
        ({"A": b"x"}, "A"),
        ({"A": float("nan")}, "A"),
        ({"A": object()}, "A"),
        ({"a b": "1"}, ""),
        ({'A"\nB': "1"}, ""),
        ({"1a": "1"}, ""),
        ({"xmlns": "1"}, ""),
        ({"a": [1], "A": 2}, "A"),
        ({"A": None}, ""),
        ({}, ""),
    ],
)
def test_what_cannot_be_stored_is_refused_with_its_path(value: dict[str, Any], path: str) -> None:
    with pytest.raises(TemplateError) as caught:
        encode(value)
    assert caught.value.path == path
    assert caught.value.message.startswith(path)


def test_names_that_differ_in_capitals_only_are_refused() -> None:
    with pytest.raises(TemplateError, match="comes twice"):
        encode({"a": "1", "A": "2"})
