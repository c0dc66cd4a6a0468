"""A plane whose machines come from a fake cloud."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from support.capacity_site import CapacitySite

MakeSite = Callable[..., CapacitySite]


@pytest.fixture
def make_site(tmp_path: Path) -> Iterator[MakeSite]:
    made: list[CapacitySite] = []

    def make(**named: Any) -> CapacitySite:
        made.append(CapacitySite(tmp_path, **named))
        return made[-1]

    yield make
    for one in made:
        one.close()


@pytest.fixture
def site(make_site: MakeSite) -> CapacitySite:
    return make_site()
