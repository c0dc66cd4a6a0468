"""plane.sources.computers: the plane's computers as entries of the directory."""

from __future__ import annotations

from typing import Any

import pytest

from pelagos.directory.errors import NotForAskerError, SourceError
from pelagos.plane.sources.computers import COLUMNS, ComputersBackend
from pelagos.slap.errors import AuthenticationError
from pelagos.slap.model import Cause, ComputerStatus, PartitionSummary

ANN = {"token": "ann"}
NEPTUNE = ComputerStatus(
    "Neptune", Cause("ok", "its agent calls"), 1.0,
    (PartitionSummary("slappart0", "web"), PartitionSummary("slappart1"),
     PartitionSummary("slappart2", "db")),
    3, 1, properties={"room": "Kühlraum", "arch": "arm"},
)  # fmt: skip
TRITON = ComputerStatus("Triton", Cause("computer-silent", ""), None, draining=True)


class Master:
    def __init__(self, token: str | None = None) -> None:
        self.token = token

    def with_token(self, token: str | None) -> Master:
        return Master(token)

    def computers(self) -> list[ComputerStatus]:
        if self.token == "void":
            raise AuthenticationError("this token is not valid", status=401)
        return [NEPTUNE, TRITON] if self.token == "ann" else []


def backend(**config: Any) -> ComputersBackend:
    plugin = ComputersBackend()
    plugin.load({"config": config, "main_config": {}, "context": {"slap": Master()}})
    return plugin


def test_an_entry_has_all_columns() -> None:
    [entry] = backend().search("neptune", ANN)
    assert tuple(entry) == COLUMNS
    assert entry == {
        "computer": "Neptune", "status": "ok", "cause": "its agent calls", "free": "1",
        "partitions": "3", "draining": None, "services": "db, web",
        "properties": "arch=arm, room=Kühlraum",
    }  # fmt: skip
    [other] = backend().search("triton", ANN)
    assert (other["cause"], other["draining"], other["services"]) == (None, "yes", None)


@pytest.mark.parametrize(("term", "count"), [("KUHLRAUM", 1), ("", 2), ("t", 2), ("xyz", 0)])
def test_a_term_is_found_in_names_and_properties(term: str, count: int) -> None:
    assert len(backend().search(term, ANN)) == count


def test_services_are_searched_when_asked_for() -> None:
    assert len(backend(searched_columns=["services"]).search("web", ANN)) == 1


def test_matches_are_by_equality_and_many_cost_one_question() -> None:
    plugin = backend()
    assert plugin.first_match("Neptun", ANN) is None
    found = plugin.match_all(["Triton", "Neptune", "x"], ANN)
    assert {k: v["computer"] for k, v in found.items()} == {
        "Triton": "Triton", "Neptune": "Neptune",
    }  # fmt: skip
    assert [e["computer"] for e in plugin.list(["Triton", "y"], ANN)] == ["Triton"]
    assert plugin.list([], {"token": "void"}) == []


def test_nobody_sees_more_here_than_there() -> None:
    assert backend().search("", {"token": "bob"}) == []
    for args in (None, {}, {"token": ""}, {"token": "void"}):
        with pytest.raises(NotForAskerError):
            backend().search("", args)


@pytest.mark.parametrize(
    "config", [{"searched_columns": ["nam"]}, {"unique_column": "id"}, {"colour": "red"}]
)
def test_what_is_misspelt_is_refused(config: dict[str, Any]) -> None:
    with pytest.raises(SourceError):
        backend(**config)


def test_a_directory_without_a_plane_says_so() -> None:
    with pytest.raises(SourceError, match="no plane") as caught:
        ComputersBackend().load({"config": {}})
    assert caught.value.hint
