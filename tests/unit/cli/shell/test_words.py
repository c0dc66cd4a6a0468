import shlex

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pelagos.cli.failures import UsageError
from pelagos.cli.shell.words import Typed, quoted, split, typed


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("", Typed([], "", 0, "")),
        ("  ", Typed([], "", 2, "")),
        ("a b", Typed(["a"], "b", 2, "")),
        ("a b ", Typed(["a", "b"], "", 4, "")),
        ("a 'b c", Typed(["a"], "b c", 2, "'")),
        ('a "b \\" c', Typed(["a"], 'b " c', 2, '"')),
        ("a b\\ c", Typed(["a"], "b c", 2, "")),
        ("'' ", Typed([""], "", 3, "")),
        ("x='y z", Typed([], "x=y z", 0, "'")),
        ("'a' 'b", Typed(["a"], "b", 4, "'")),
    ],
)
def test_what_is_typed_so_far(line, expected):
    assert typed(line) == expected


@given(st.lists(st.text(st.characters(codec="utf-8", exclude_characters="\0"))))
def test_words_that_are_quoted_are_the_same_words_again(words):
    line = shlex.join(words)
    assert split(line) == words
    assert typed(f"{line} ").before == words


@given(st.text(min_size=1), st.sampled_from(["", "'", '"']))
def test_a_word_is_quoted_in_the_marks_that_are_open(word, quote):
    text = quoted(word, quote)
    assert split(text) == [word]
    if quote and "'" not in word:
        assert text.startswith(quote)


def test_a_quotation_without_an_end_is_told():
    with pytest.raises(UsageError, match="no partner"):
        split("contact add 'Ada")
