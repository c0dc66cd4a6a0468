"""A master in a temporary folder."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from support.slap_site import Site


@pytest.fixture(autouse=True)
def _on_each_database(database: str) -> None:
    """All that has to do with a store runs on every kind of database."""


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    """One computer with three partitions; the release is supplied."""
    site = Site(tmp_path)
    site.supply()
    yield site
    site.close()


@pytest.fixture
def bare(tmp_path: Path) -> Iterator[Site]:
    """A master that knows nobody but admin."""
    site = Site(tmp_path, partitions=0)
    yield site
    site.close()
