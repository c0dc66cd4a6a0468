"""directory.template: format syntax on plain data, and no way out of it."""

from __future__ import annotations

import datetime as dt
import decimal
import logging
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pelagos.directory.template import Template, TemplateError

SECRET = "top-secret-value"


class Rich:
    """What a careless back-end may put into a row."""

    secret = SECRET
    module = logging

    def __str__(self) -> str:
        return SECRET

    def __format__(self, spec: str) -> str:
        return SECRET

    def __getitem__(self, key: object) -> str:
        return SECRET


def render(text: str, **fields: Any) -> str:
    return Template.parse(text).render(fields)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("{first} {last}", "Ada Lovelace"),
        ("{{{first}}}", "{Ada}"),
        ("{nothing}{none}", ""),
        ("{tel[0]}/{tel[1]}", "41/42"),
        ("{address[city]} {address.city}", "Paris Paris"),
        ("{first!r:>8}", "   'Ada'"),
        ("{number:05d}", "00007"),
        ("{number:>{width}}", "   7"),
        ("{day:%d.%m.}", "21.11."),
        ("{first[0]}.", "A."),
        ("{software release}", "r1"),
        ("plain", "plain"),
        ("", ""),
    ],
)
def test_a_template_renders_as_format_does(text: str, expected: str) -> None:
    fields = {
        "first": "Ada", "last": "Lovelace", "none": None, "tel": ["41", "42"], "number": 7,
        "address": {"city": "Paris"}, "width": 4, "day": dt.date(2026, 11, 21),
        "software release": "r1",
    }  # fmt: skip
    assert render(text, **fields) == expected


@pytest.mark.parametrize(
    "text",
    [
        "{row.secret}",
        "{row[secret]}",
        "{row}",
        "{row!s}",
        "{row!r}",
        "{row.__class__.__init__.__globals__}",
        "{first.__class__}",
        "{first.__class__.__mro__[1].__subclasses__}",
        "{tel.__len__}",
        "{tel[0].__class__}",
        "{nested}",
        "{mapped[x]}",
        "{row.module.root}",
        "{nothing.__class__}",
        "{number.real}",
        "{number:{row}}",
    ],
)
def test_nothing_but_plain_data_can_be_reached(text: str) -> None:
    fields = {
        "row": Rich(), "first": "Ada", "tel": ["41"], "number": 7, "nested": [[Rich()]],
        "mapped": {"x": Rich()},
    }  # fmt: skip
    with pytest.raises(TemplateError) as caught:
        render(text, **fields)
    assert SECRET not in str(caught.value)


def test_a_subclass_of_text_is_not_plain_data() -> None:
    class Sly(str):
        __slots__ = ()

        def __format__(self, spec: str) -> str:
            return SECRET

    with pytest.raises(TemplateError):
        render("{x}", x=Sly("a"))


@pytest.mark.parametrize("width", ["9999999999", "99999", ".99999999", "1000"])
def test_a_width_that_would_fill_the_memory_is_refused(width: str) -> None:
    with pytest.raises(TemplateError, match="too large"):
        render(f"{{x:{'>' * (width[0] != '.')}{width}}}", x="a")
    with pytest.raises(TemplateError, match="too large"):
        render("{x:{width}}", x="a", width=width)


@pytest.mark.parametrize(
    "text", ["{", "}", "{first", "{}", "{!r}", "{a[}", "{a!x}", "{a:{b:{c:d}}}"]
)
def test_what_is_not_format_syntax_is_refused_when_read(text: str) -> None:
    with pytest.raises(TemplateError):
        Template.parse(text)


@pytest.mark.parametrize("value", [decimal.Decimal("1E+999999999"), decimal.Decimal("1E-9999999")])
@pytest.mark.parametrize("text", ["{x:f}", "{x}", "{x:,}"])
def test_a_number_that_would_fill_the_memory_is_refused(text: str, value: Any) -> None:
    with pytest.raises(TemplateError, match="too many digits"):
        render(text, x=value)


@pytest.mark.parametrize("text", ["{x!r}", "{x!s}", "{x}", "{x[0]!r}"])
def test_a_number_that_cannot_be_written_is_refused(text: str) -> None:
    huge = 10**5000
    with pytest.raises(TemplateError):
        render(text, x=[huge] if "[" in text else huge)
    with pytest.raises(TemplateError):
        render("{x!r}", x=[huge])


def test_a_list_that_contains_itself_is_refused() -> None:
    loop: list[Any] = []
    loop.append(loop)
    with pytest.raises(TemplateError):
        render("{x}", x=loop)


@given(st.text(alphabet="{}[].!:_abc019 <>=%,dsr\x00é", max_size=25))
def test_any_text_renders_or_is_refused_and_never_else(text: str) -> None:
    try:
        rendered = render(text, a="x", b=["y", {"c": 3}], c=1.5, abc=None)
    except TemplateError:
        return
    assert isinstance(rendered, str)


@given(st.text(alphabet="{}ab :xyz", max_size=12))
def test_what_format_accepts_of_text_columns_gives_the_same(text: str) -> None:
    fields = {"a": "1", "b": "22", "x": "", "y": "yy"}
    try:
        expected = text.format(**fields)
    except (KeyError, IndexError, ValueError, AttributeError):
        return
    assert render(text, **fields) == expected
