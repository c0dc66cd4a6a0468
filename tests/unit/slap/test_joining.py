"""The one-time token as text."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pelagos.core.errors import PelagosError
from pelagos.slap import joining
from pelagos.slap.joining import JoinToken

TOKEN = JoinToken("https://plane.example.org:8443", "s3cret", "ab" * 32)


@given(st.text(min_size=1), st.text(min_size=1), st.none() | st.text())
def test_what_is_written_is_read(url, secret, fingerprint):
    token = JoinToken(url, secret, fingerprint)
    assert joining.decode(joining.encode(token)) == token


def test_a_token_is_one_word_and_its_repr_shows_no_secret():
    text = joining.encode(TOKEN)
    assert text.startswith("pelagos-join.")
    assert not set(text) - set("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.")
    assert "s3cret" not in repr(TOKEN)
    assert joining.decode(f" {text}\n") == TOKEN
    assert joining.secret_of(text) == "s3cret"
    assert joining.secret_of("plain") == "plain"


@pytest.mark.parametrize(
    "text",
    ["", "s3cret", "pelagos-join.", "pelagos-join.s3cret", "pelagos-join.e30", "pelagos-join.é"],
)
def test_what_is_no_token_is_refused_without_quoting_it(text):
    with pytest.raises(PelagosError) as caught:
        joining.decode(text)
    assert "s3cret" not in str(caught.value)
    assert "s3cret" not in repr(caught.value)
    assert caught.value.hint


@given(st.text())
def test_any_text_is_read_or_refused(text):
    with pytest.raises(PelagosError):
        joining.decode(f"pelagos-join.{text}!")
