"""What several tests of messaging begin with."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa

from pelagos.messaging.sql import create_tables


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[sa.Engine]:
    """A database on SQLite with the tables of messaging, empty."""
    made = sa.create_engine(f"sqlite:///{tmp_path}/state.db")
    create_tables(made)
    yield made
    made.dispose()
