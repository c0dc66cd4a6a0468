"""Names below the root."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pelagos.slap.agent.errors import AgentError
from pelagos.slap.agent.layout import Layout

LAYOUT = Layout(Path("/srv/node"), partition_count=12)


def test_a_release_lies_in_the_md5_of_its_url() -> None:
    assert LAYOUT.release("/x").name == "cc8755609ad61864910f145119713de9"


def test_our_partitions_are_counted_from_zero() -> None:
    assert LAYOUT.partition_ids[0] == "slappart0"
    assert LAYOUT.partition("slappart11") == Path("/srv/node/instance/slappart11")


@pytest.mark.parametrize(
    "name",
    ["../slappart0", "slappart0/..", "slappart12", "slappart01", "slappart-1", "slappart", "etc",
     "slappart²", "slappart٣", "slappart 1", "slappart1\n", "slappart+1", "slappart1_0"],
)  # fmt: skip
def test_any_other_name_is_refused(name: str) -> None:
    with pytest.raises(AgentError):
        LAYOUT.partition(name)


@given(st.text())
def test_no_name_leaves_the_folder(name: str) -> None:
    if LAYOUT.is_ours(name):
        assert name in LAYOUT.partition_ids
    folder = LAYOUT.release(name)
    assert folder.parent == LAYOUT.software and "/" not in folder.name
