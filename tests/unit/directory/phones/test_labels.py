"""The language of a document is the one that its reader likes best."""

from __future__ import annotations

from dataclasses import asdict

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pelagos.directory.views.phones.labels import LABELS, labels_for


@pytest.mark.parametrize(
    ("header", "language"),
    [
        ("", "en"),
        ("fr", "fr"),
        ("fr-CA, en;q=0.8", "fr"),
        ("en;q=0.5, de-AT;q=0.9", "de"),
        ("tlh, *;q=0.1", "en"),
        ("de;q=0, it", "it"),
        ("NO", "nb"),
        ("zh-TW", "zh-hant"),
        ("zh_HK", "zh-hant"),
        ("zh-Hant-TW", "zh-hant"),
        ("zh-CN", "zh"),
        (";;;,,=\xff", "en"),
        ("fr;q=nan", "en"),
    ],
)
def test_the_language_is_the_best_that_there_is(header: str, language: str) -> None:
    assert labels_for(header) is LABELS[language]


def test_every_language_has_all_words_and_says_how_many_answered() -> None:
    assert len(LABELS) >= 20
    for language, labels in LABELS.items():
        assert all(word.strip() for word in asdict(labels).values()), language
        said = labels.answered.format(answered=2, total=3)
        assert "2" in said and "3" in said and "{" not in said, language


@settings(deadline=None)
@given(st.text())
def test_any_header_has_a_language(header: str) -> None:
    assert labels_for(header) in LABELS.values()
