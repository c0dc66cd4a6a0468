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


class Master:
    def services(self) -> list[Service]:
        return [HELLO, DB, GONE]


class Down:
    def services(self) -> list[Service]:
        raise SourceError("the master does not answer")


def backend(master: Any = None, **config: Any) -> InstancesBackend:
    plugin = InstancesBackend()
    context = {"slap": master or Master()}
    plugin.load({"config": config, "main_config": {}, "context": context})
    return plugin


def test_an_entry_has_all_columns() -> None:
    (entry,) = backend().search("hello")
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
    assert [e["guid"] for e in backend().search("DONNEES")] == ["SOFTINST-2"]
    assert [e["guid"] for e in backend().search("10.0.0.1")] == ["SOFTINST-1"]
    assert [e["guid"] for e in backend().search("")] == ["SOFTINST-1", "SOFTINST-2"]
    assert backend().search("COMP-1") == []
    assert len(backend(searched_columns=["computer"]).search("comp-1")) == 1


def test_no_password_leaves_and_none_can_be_searched_for() -> None:
    assert "s3cret" not in str(backend().search(""))
    assert backend().search("s3cret") == []
    assert backend().search("Données")[0]["url"] == "postgresql://***@db/x"


def test_missing_values_are_none_and_a_cause_without_words_is_its_code() -> None:
    (entry,) = backend().search("Données")
    assert entry["computer"] is None and entry["cause"] == "no-partition-free"


def test_services_are_matched_and_listed() -> None:
    plugin = backend()
    assert (plugin.first_match("hello") or {})["guid"] == "SOFTINST-1"
    assert plugin.first_match("hell") is None and plugin.first_match("gone") is None
    assert [e["reference"] for e in plugin.list(["SOFTINST-2", "SOFTINST-3"])] == ["Données"]
    assert [e["guid"] for e in backend(unique_column="reference").list(["hello"])] == [
        "SOFTINST-1"
    ]


def test_a_master_that_is_down_fails_the_question_and_not_the_load() -> None:
    with pytest.raises(SourceError, match="does not answer"):
        backend(Down()).search("x")


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
        InstancesBackend().search("x")
