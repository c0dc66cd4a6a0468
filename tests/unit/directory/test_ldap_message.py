"""Only what is well-formed and was asked for reaches the library that reads LDAP."""

from __future__ import annotations

import contextlib
import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pelagos.directory.backends.ldap import message
from support import ldap_messages as made

ENTRY = made.entry(2, "uid=1,dc=é", {"cn": ["Céline", b"\xff\x00"], "none": []})
RIGHT = [ENTRY, made.done(2), made.done(2, 4), made.reference(2, "ldap://x/dc=y")]


@pytest.mark.parametrize("data", [*RIGHT, made.entry(9, "", {}), made.done(127, 80)])
def test_a_right_answer_passes_and_tells_its_kind(data: bytes) -> None:
    assert message.size(data) == len(data)
    assert message.check(data, message.OF_SEARCH) in message.OF_SEARCH
    assert message.kind(data) in message.OF_SEARCH


def test_an_answer_of_another_kind_than_asked_for_does_not() -> None:
    for data, expected in [
        *((r, message.OF_BIND) for r in RIGHT),
        (made.bound(), message.OF_SEARCH),
    ]:
        with pytest.raises(message.MessageError, match="not asked for"):
            message.check(data, expected)
    assert message.check(made.bound(), message.OF_BIND) == message.BIND


@pytest.mark.parametrize(
    "data",
    [
        made.message(2, made.element(0x64, made.text("x"))),
        made.message(2, made.element(0x64, made.text("x\0"), made.element(0x30))),
        made.message(2, made.element(0x64, made.text(b"\xff"), made.element(0x30))),
        made.message(
            2, made.element(0x65, made.element(0x0A, b"\x80"), made.text(""), made.text(""))
        ),
        made.message(2, made.element(0x65, made.element(0x0A, b""), made.text(""), made.text(""))),
        made.message(2, made.result(0x65) + b"\x04\x00"),
        made.message(
            2, made.result(0x65), made.element(0x30, made.text("1.2.840.113556.1.4.319"))
        ),
        made.element(0x30, made.element(0x02, b""), made.result(0x65)),
        made.element(0x30, made.element(0x02, b"\x01" * 5), made.result(0x65)),
        made.entry(2, "x", {"": ["a"]}),
        ENTRY + b"\x00",
        ENTRY[:-1],
    ],
)
def test_a_wrong_answer_is_refused(data: bytes) -> None:
    with pytest.raises(message.MessageError):
        message.check(data, message.OF_SEARCH)


@settings(max_examples=5000, deadline=None)
@given(st.sampled_from(RIGHT), st.randoms(use_true_random=False))
def test_damage_is_seen_or_harmless(data: bytes, chance: random.Random) -> None:
    spoiled = made.damaged(data, chance)
    try:
        assert message.check(spoiled, message.OF_SEARCH) in message.OF_SEARCH
    except message.MessageError:
        return
    assert message.size(spoiled) == len(spoiled)


@given(st.binary(max_size=60))
def test_anything_at_all_raises_nothing_else(data: bytes) -> None:
    assert isinstance(message.code(data), int | None)
    with contextlib.suppress(message.MessageError):
        assert message.size(data) is None or message.size(data) >= 2
    with contextlib.suppress(message.MessageError):
        assert message.check(data, message.OF_SEARCH) in message.OF_SEARCH
