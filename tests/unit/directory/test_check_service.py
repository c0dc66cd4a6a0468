"""Service `check`: what each source can and cannot do, in words."""

from __future__ import annotations

from typing import Any

from pelagos.core.fanout import Fanout
from pelagos.directory.errors import SourceError
from pelagos.directory.model import Asker
from pelagos.directory.services.check import CheckService


class Plugin:
    def __init__(self, said: object) -> None:
        self._said = said

    def check(self) -> object:
        if isinstance(self._said, Exception):
            raise self._said
        return self._said


class Tried:
    backend = "test"

    def __init__(self, said: object) -> None:
        self.plugin = Plugin(said)


def test_an_error_is_told_with_what_to_do_about_it() -> None:
    base = SourceError("ldap://x: No such object.", hint="check ldap_base_dn")
    sources: Any = {"a": Tried(base), "b": Tried(SourceError("away")), "c": Tried(["one", "two"])}
    fanout = Fanout(slots=1)
    try:
        found = {one.name: one for one in CheckService(sources, {}, fanout).check(Asker())}
    finally:
        fanout.close()
    assert found["a"].error == "ldap://x: No such object; check ldap_base_dn"
    assert found["b"].error == "away" and found["c"].said == ("one", "two")
