"""The one decision of all ways in, case by case."""

from __future__ import annotations

import pytest

from pelagos.slap.master.admission import Claim, Way, decide


@pytest.mark.parametrize(
    ("claim", "is_known", "way"),
    [
        (Claim.NEW, False, Way.CREATE),
        (Claim.NEW, True, Way.REFUSE),
        (Claim.AGAIN, False, Way.REFUSE),
        (Claim.AGAIN, True, Way.ADMIT),
        (Claim.OWN, False, Way.CREATE),
        (Claim.OWN, True, Way.ADMIT),
    ],
)
def test_who_comes_in(claim, is_known, way):
    assert decide(claim, is_known=is_known) is way
