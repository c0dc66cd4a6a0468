"""Releases: built, removed, announced with what they say of their parameters."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable

from pelagos.core.json_schema import SchemaError
from pelagos.slap.agent.account import acting_as, owner_of
from pelagos.slap.agent.builders.base import Builder
from pelagos.slap.agent.cause import Causes
from pelagos.slap.agent.layout import Layout
from pelagos.slap.agent.report import Report, Told
from pelagos.slap.agent.room import Room, check_room
from pelagos.slap.agent.steps.outcome import Outcome
from pelagos.slap.agent.steps.owners import check_owner
from pelagos.slap.parameter_schema import encode
from pelagos.slap.schema_files import read_bundle

log = logging.getLogger(__name__)


class ReleaseSteps:
    """Work on releases."""

    def __init__(self, layout: Layout, builder: Builder, causes: Causes, room: Room) -> None:
        self._layout = layout
        self._builder = builder
        self._causes = causes
        self._room = room

    def build(self, url: str, tell: Callable[[Report], None], stop: threading.Event) -> Outcome:
        """Build a release, unless that has been done."""

        def on_start() -> None:
            log = self._layout.release_log(url)
            cause = self._causes.plain(
                "release-building", "The release is being built.", detail=f"Log: {log}"
            )
            tell(Report(Told.RELEASE_BUILDING, url, cause))

        check_owner(self._layout, self._layout.software, self._causes)
        least = self._room.software
        check_room(self._layout.software, least, self._causes, doing="a release is built")
        self._builder.build(url, on_start, stop)
        return Outcome(report=self._available(url))

    def remove(self, url: str) -> Outcome:
        """Remove what was built of a release."""
        self._builder.remove(url)
        cause = self._causes.plain("destroyed", "The release was removed.")
        return Outcome(report=Report(Told.RELEASE_DESTROYED, url, cause))

    def announce(self, url: str) -> Outcome:
        """Tell of a release that was complete before this agent started."""
        self._builder.prepare(url)
        return Outcome(report=self._available(url))

    def _available(self, url: str) -> Report:
        cause = self._causes.plain("ok", "The release is built.")
        return Report(Told.RELEASE_AVAILABLE, url, cause, schemas=self._schemas(url))

    def _schemas(self, url: str) -> str:
        """What a release says of its parameters; a mistake in that makes it no less available."""
        is_local = not url.startswith(("http:", "https:"))  # who builds it may read no more
        try:
            with acting_as(owner_of(self._layout.software) if is_local else None):
                bundle = read_bundle(url)
        except SchemaError as error:
            log.warning("the parameters of %s are not checked: %s", url, error.message)
            return ""
        return encode(bundle) if bundle is not None else ""
