"""plane.sources.instances: the plane's services as entries of the directory."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from pelagos.directory.errors import SourceError
from pelagos.plane.sources.instances import COLUMNS, InstancesBackend
from pelagos.slap.model import Cause, InstanceState, InstanceStatus, Service

HELLO = Service(
    reference="hello",
    guid="SOFTINST-1",
    release_url="https://example.org/hello/software.cfg",
    software_type="default",
    requested_state=InstanceState.STARTED,
    status=InstanceStatus.STARTED,
    cause=Cause("ok", "runs and all its promises hold"),
    root_reference="hello",
    computer_id="COMP-1",
    connection={"url": "http://10.0.0.1:8080/", "password": "s3cret"},
)
DB = replace(
    HELLO,
    reference="Données",
    guid="SOFTINST-2",
    connection={"url": "postgresql://joe:s3cret@db/x"},
    computer_id=None,
    status=InstanceStatus.WAITING,
    cause=Cause("no-partition-free", ""),
)
GONE = replace(HELLO, reference="gone", guid="SOFTINST-3", status=InstanceStatus.DESTROYED)


ANN = {"token": "ann"}


class Master:
    """Shows its services to Ann, one of them to Bob, and none to anybody else."""

    def __init__(self, token: str | None = None) -> None:
        self.token = token

    def with_token(self, token: str | None) -> Master:
        return type(self)(token)

    def services(self) -> list[Service]:
        return {"ann": [HELLO, DB, GONE], "bob": [DB]}.get(self.token or "", [])


class Down(Master):
    def services(self) -> list[Service]:
        raise SourceError("the master does not answer")


def backend(master: Any = None, **config: Any) -> InstancesBackend:
    plugin = InstancesBackend()
    context = {"slap": master or Master()}
    plugin.load({"config": config, "main_config": {}, "context": context})
    return plugin


def test_an_entry_has_all_columns() -> None:
    (entry,) = backend().search("hello", ANN)
    assert tuple(entry) == COLUMNS
    assert entry == {
        "reference": "hello",
        "url": "http://10.0.0.1:8080/",
        "status": "started",
        "computer": "COMP-1",
        "type": "default",
        "software_release": "https://example.org/hello/software.cfg",
        "cause": "runs and all its promises hold",
        "guid": "SOFTINST-1",
    }


def test_services_are_found_by_reference_and_url_without_case_and_accents() -> None:
    assert [e["guid"] for e in backend().search("DONNEES", ANN)] == ["SOFTINST-2"]
    assert [e["guid"] for e in backend().search("10.0.0.1", ANN)] == ["SOFTINST-1"]
    assert [e["guid"] for e in backend().search("", ANN)] == ["SOFTINST-1", "SOFTINST-2"]
    assert backend().search("COMP-1", ANN) == []
    assert len(backend(searched_columns=["computer"]).search("comp-1", ANN)) == 1


def test_no_password_leaves_and_none_can_be_searched_for() -> None:
    assert "s3cret" not in str(backend().search("", ANN))
    assert backend().search("s3cret", ANN) == []
    assert backend().search("Données", ANN)[0]["url"] == "postgresql://***@db/x"


def test_missing_values_are_none_and_a_cause_without_words_is_its_code() -> None:
    (entry,) = backend().search("Données", ANN)
    assert entry["computer"] is None and entry["cause"] == "no-partition-free"


def test_services_are_matched_and_listed() -> None:
    plugin = backend()
    assert (plugin.first_match("hello", ANN) or {})["guid"] == "SOFTINST-1"
    assert plugin.first_match("hell", ANN) is None and plugin.first_match("gone", ANN) is None
    assert [e["reference"] for e in plugin.list(["SOFTINST-2", "SOFTINST-3"], ANN)] == ["Données"]
    assert [e["guid"] for e in backend(unique_column="reference").list(["hello"], ANN)] == [
        "SOFTINST-1"
    ]


def test_each_asker_sees_what_the_master_shows_to_that_token() -> None:
    plugin = backend()
    assert [e["guid"] for e in plugin.search("", {"token": "bob"})] == ["SOFTINST-2"]
    assert plugin.first_match("hello", {"token": "bob"}) is None
    assert plugin.list(["SOFTINST-1"], {"token": "bob"}) == []
    assert plugin.search("", {"token": "eve"}) == []


@pytest.mark.parametrize("args", [None, {}, {"token": ""}])
def test_without_a_token_nothing_is_asked_in_the_name_of_the_plane(
    args: dict[str, Any] | None,
) -> None:
    with pytest.raises(SourceError, match="people only"):
        backend(Master("ann")).search("", args)


def test_a_master_that_is_down_fails_the_question_and_not_the_load() -> None:
    with pytest.raises(SourceError, match="does not answer"):
        backend(Down()).search("x", ANN)


@pytest.mark.parametrize(
    ("config", "message", "hint"),
    [
        ({"search_columns": []}, "unknown key", "did you mean 'searched_columns'?"),
        ({"searched_columns": ["urls"]}, "unknown column 'urls'", "did you mean 'url'?"),
        ({"unique_column": "id"}, "unknown column 'id'", None),
    ],
)
def test_what_cannot_be_meant_is_refused(
    config: dict[str, Any], message: str, hint: str | None
) -> None:
    with pytest.raises(SourceError, match=message) as caught:
        backend(**config)
    assert hint is None or caught.value.hint == hint


def test_without_a_plane_it_says_so() -> None:
    with pytest.raises(SourceError, match="no plane to ask"):
        InstancesBackend().load({"config": {}, "main_config": {}, "context": {}})
    with pytest.raises(SourceError, match="not loaded"):
        InstancesBackend().search("x", ANN)
