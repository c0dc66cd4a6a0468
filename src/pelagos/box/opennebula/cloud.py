"""What the methods of the daemon work with."""

from __future__ import annotations

from dataclasses import dataclass

from pelagos.box.opennebula.guard import Guard
from pelagos.box.opennebula.life import Life
from pelagos.box.opennebula.shapes import Shapes
from pelagos.box.opennebula.world import World


@dataclass(frozen=True, slots=True)
class Cloud:
    """A world, and those who guard, move and describe its things."""

    world: World
    guard: Guard
    life: Life
    shapes: Shapes
