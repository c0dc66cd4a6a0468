import pytest
from hypothesis import given
from hypothesis import strategies as st

from pelagos.core.backoff import Backoff


@given(st.integers(1, 200), st.floats(0.1, 10), st.floats(1, 4), st.floats(10, 1000))
def test_waits_grow_up_to_the_limit(failures: int, first: float, factor: float, limit: float):
    backoff = Backoff(first, factor, limit)
    assert 0 < backoff.delay(failures) <= backoff.delay(failures + 1) <= limit


def test_no_delay_is_asked_before_the_first_failure():
    with pytest.raises(ValueError, match="before the first failure"):
        Backoff().delay(0)
