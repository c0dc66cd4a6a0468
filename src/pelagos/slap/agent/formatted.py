"""What formatting made of this computer, as a running agent keeps up with it."""

from __future__ import annotations

import logging
import os

from pelagos.core.errors import PelagosError
from pelagos.slap.agent.format import LOOPBACK, Format, cut
from pelagos.slap.agent.formatter import read_format
from pelagos.slap.agent.layout import Layout
from pelagos.slap.agent.settings import AgentSettings
from pelagos.slap.model import Address, ComputerFormat

log = logging.getLogger(__name__)


class Formatted:
    """The last format; a computer that was never formatted has the partitions of the settings."""

    def __init__(self, settings: AgentSettings, layout: Layout) -> None:
        self._settings = settings
        self._layout = layout
        self._stamp: tuple[int, int] | None = None
        address = Address(LOOPBACK.interface, settings.address, LOOPBACK.netmask)
        self._format = Format(cut(len(layout.partition_ids)), address=address)
        self.refresh()

    def refresh(self) -> bool:
        """Take a new format, if there is one; whether there was."""
        try:
            seen = self._layout.format_file.stat()
            stamp = (seen.st_mtime_ns, seen.st_ino)
            if stamp == self._stamp:
                return False
            self._stamp = stamp
            found = read_format(self._layout)
        except FileNotFoundError:
            return False
        except (OSError, PelagosError) as error:
            log.warning("the format of this computer cannot be read: %s", error)
            return False
        if found is None:
            return False
        self._format = found
        self._layout.rename(
            [slot.name for slot in found.slots],
            needs_owner=any(slot.user for slot in found.slots) and os.geteuid() == 0,
        )
        return True

    def announcement(self) -> ComputerFormat:
        """What the master hears of it."""
        return self._format.announcement(self._settings.computer_id)
