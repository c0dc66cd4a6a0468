"""directory: sources that are made, changed and removed over HTTP while it serves."""

from __future__ import annotations

import json
import stat
import threading
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, ClassVar

import pytest
import sqlalchemy as sa

from pelagos.directory import Directory
from pelagos.directory.store import DirectoryStore, schema
from support.directory import BACKENDS, Rows, config, offer

ADMIN, PERSON = "admin", "ann"
RIGHTS: Mapping[str, Mapping[str, Any]] = {
    ADMIN: {"auth_id": "root", "xivo_user_uuid": "root"},
    PERSON: {"auth_id": "ann", "acls": ["dird.directories.#", "dird.backends.read"]},
}
ROWS: dict[str, Any] = {"rows": [{"name": "Ada"}], "password": "s3cret"}


class Guarded(Rows):
    """Refuses a wrong setting, and tells when it was ended."""

    ended: ClassVar[list[str]] = []
    name = ""

    def load(self, args: Mapping[str, Any]) -> None:
        super().load(args)
        if args["config"].get("wrong"):
            raise ConnectionError("cannot reach http://agent:s3cret@crm/")
        self.password = args["config"].get("password")

    def unload(self) -> None:
        self.ended.append(self.name)

    def list(self, uids: list[str], _args: Any = None) -> list[dict[str, Any]]:
        return [row for row in self.rows if row.get("id") in uids]


class Site:
    """A directory on a database, which can be started again."""

    def __init__(self, folder: Path, **more: Any) -> None:
        asked: dict[str, Any] = config({"fixed": {"type": "guarded", "rows": [{"name": "Zoë"}]}})
        services = {**asked["services"], "favorites": asked["services"]["lookup"]}
        services["kept_sources"] = {"trusted": ["guarded"], "period": 0.05, **more}
        self.config = {
            **asked,
            "services": services,
            "db_uri": f"sqlite:///{folder / 'directory.db'}",
        }
        self.start()

    def start(self) -> None:
        self.directory = Directory(self.config, verify=RIGHTS.get)
        assert self.directory.status.failures == ()
        self.http = self.directory.app.test_client()

    def call(self, method: str, path: str, body: Any = None, token: str = ADMIN) -> Any:
        data = None if body is None else json.dumps(body)
        answer = self.http.open(
            f"/0.1{path}", method=method, data=data, headers={"X-Auth-Token": token}
        )
        return answer.status_code, json.loads(answer.data or "null")

    def make(self, name: str, backend: str = "guarded", **keys: Any) -> Any:
        return self.call("POST", f"/backends/{backend}/sources", {"name": name, **ROWS, **keys})

    def names(self) -> list[Any]:
        """What a lookup of everything finds."""
        status, body = self.call("GET", "/directories/lookup/default?term=", token=PERSON)
        assert status == 200
        return [result["column_values"][0] for result in body["results"]]


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Site]:
    offer(monkeypatch, BACKENDS, guarded=Guarded)
    Guarded.ended.clear()
    made = Site(tmp_path)
    yield made
    made.directory.close()


def test_a_source_that_is_made_changed_and_removed_is_so_for_the_next_lookup(site: Site) -> None:
    assert site.names() == ["Zoë"]
    status, made = site.make("crm")
    assert status == 201
    assert (made["name"], made["backend"], made["is_kept"]) == ("crm", "guarded", True)
    assert made["profiles"] == ["default"]
    assert site.names() == ["Zoë", "Ada"]
    path = f"/backends/guarded/sources/{made['uuid']}"
    change = {**made, "name": "people", "rows": [{"name": "Bob"}], "password": "n3w"}
    assert site.call("PUT", path, change) == (204, None)
    assert site.names() == ["Zoë", "Bob"]
    assert [s["name"] for s in site.call("GET", "/sources")[1]["items"]] == ["fixed", "people"]
    assert site.call("DELETE", path) == (204, None)
    assert site.names() == ["Zoë"]
    assert Guarded.ended == ["crm", "people"]
    assert site.call("GET", path)[0] == site.call("PUT", path, change)[0] == 404
    assert site.call("DELETE", path)[1]["error_id"] == "unknown-source"


def test_they_are_there_after_a_restart_and_on_other_directories(site: Site) -> None:
    _, made = site.make("crm")
    site.directory.close()
    site.start()
    assert site.names() == ["Zoë", "Ada"]
    former = site.directory
    site.start()  # a second one on the same database
    site.call("DELETE", f"/backends/guarded/sources/{made['uuid']}")
    site.make("second")
    service = former.services["kept_sources"]
    service.refresh()
    assert list(former.services["source"].sources())[1]["name"] == "second"
    answer = former.services["lookup"].lookup("", "default")
    assert [verdict.name for verdict in answer.sources] == ["fixed", "second"]
    former.close()


def test_another_directory_sees_a_change_by_itself(site: Site) -> None:
    former, seen = site.directory, threading.Event()
    roster = former.services["kept_sources"]._roster
    told = roster.changed

    def changed(name: str, source: Any) -> None:
        told(name, source)
        seen.set()

    roster.changed = changed
    site.start()
    site.make("crm")
    assert seen.wait(20)
    answer = former.services["lookup"].lookup("", "default")
    assert [v.name for v in answer.sources] == ["fixed", "crm"]
    former.close()


def test_only_who_has_the_right_makes_reads_changes_or_removes_one(site: Site) -> None:
    _, made = site.make("crm")
    one = f"/backends/guarded/sources/{made['uuid']}"
    for method, path in (
        ("GET", "/backends/guarded/sources"), ("POST", "/backends/guarded/sources"),
        ("GET", one), ("PUT", one), ("DELETE", one),
    ):  # fmt: skip
        assert site.call(method, path, {"name": "x"}, token=PERSON)[0] == 401
        assert site.call(method, path, {"name": "x"}, token="nobody's")[0] == 401
    assert site.names() == ["Zoë", "Ada"]


def test_secrets_are_masked_and_a_mask_that_comes_back_is_the_secret(site: Site) -> None:
    status, made = site.make("crm", url="http://joe:s3cret@crm/")
    listed = site.call("GET", "/backends/guarded/sources")
    path = f"/backends/guarded/sources/{made['uuid']}"
    shown = site.call("GET", path)
    assert status == 201 and "s3cret" not in json.dumps([made, listed, shown])
    assert shown[1]["password"] == "***"
    assert site.call("PUT", path, {**shown[1], "timeout": 1})[0] == 204
    plugin = site.directory.services["kept_sources"]._roster.sources["crm"].plugin
    assert plugin.password == "s3cret"
    status, refused = site.call("PUT", path, {**shown[1], "url": "http://evil/"})
    assert status == 400 and "give the secrets again" in refused["message"]
    assert site.call("PUT", path, {**shown[1], "token": "***"})[0] == 400
    assert site.make("new", password="***")[0] == 400
    database = Path(site.config["db_uri"].removeprefix("sqlite:///"))
    assert stat.S_IMODE(database.stat().st_mode) == 0o600


@pytest.mark.parametrize(
    ("keys", "said"),
    [
        ({"wrong": True}, "it cannot start: ConnectionError"),
        ({"name": ""}, "name: a text"),
        ({"name": None}, "name: a text"),
        ({"name": " crm"}, "name: a text"),
        ({"name": "a\nb"}, "name: a text"),
        ({"name": "x" * 256}, "name: a text"),
        ({"timeout": -1}, "timeout"),
        ({"searched_columns": "name"}, "searched_columns"),
        ({"profiles": "default"}, "profiles: a list"),
        ({"profiles": ["defautl"]}, "did you mean"),
        ({"type": "csv"}, "its back-end is guarded"),
        ({"type": []}, "its back-end is guarded"),
        ({"rows": ["x" * 70_000]}, "65,536 bytes"),
    ],
)
def test_what_cannot_be_a_source_is_refused_and_nothing_is_kept(
    site: Site, keys: dict[str, Any], said: str
) -> None:
    status, body = site.make(**{"name": "crm", **keys})
    assert (status, body["error_id"]) == (400, "invalid-data")
    assert said in body["message"] and "s3cret" not in body["message"]
    assert site.names() == ["Zoë"]
    _, listed = site.call("GET", "/backends/guarded/sources")
    assert [item["name"] for item in listed["items"]] == ["fixed"]


@pytest.mark.parametrize("body", [[], "text", 7, {}, True])
def test_a_body_that_is_no_source_is_refused(site: Site, body: Any) -> None:
    assert site.call("POST", "/backends/guarded/sources", body)[0] == 400


def test_a_name_is_there_once_and_what_is_configured_stays(site: Site) -> None:
    assert site.make("fixed")[0] == 409
    assert site.make("crm")[0] == 201
    assert site.make("crm")[0] == 409
    _, listed = site.call("GET", "/backends/guarded/sources?order=name")
    fixed = next(item for item in listed["items"] if item["name"] == "fixed")
    path = f"/backends/guarded/sources/{fixed['uuid']}"
    assert site.call("GET", path) == (200, fixed) and fixed["is_kept"] is False
    assert site.call("DELETE", path)[0] == site.call("PUT", path, {"name": "x"})[0] == 409
    assert site.make("x", backend="gaurded")[0] == 404


def test_what_uses_files_or_logins_of_the_machine_needs_the_configuration(site: Site) -> None:
    status, body = site.call(
        "POST", "/backends/csv/sources", {"name": "all", "file": "/etc/passwd"}
    )
    assert status == 400 and "services.kept_sources.trusted" in body["message"]
    status, body = site.call(
        "POST", "/backends/wazo/sources", {"name": "pbx", "auth": {"key_file": "/etc/keys"}}
    )
    assert status == 400 and "auth.key_file" in body["message"]


def test_favourites_go_with_their_source_and_follow_its_name(site: Site) -> None:
    def favorites() -> int:
        _, body = site.call("GET", "/directories/favorites/default")
        return len(body["results"])

    keys: dict[str, Any] = {"rows": [{"name": "Ada", "id": "1"}], "unique_column": "id"}
    _, made = site.make("crm", **keys)
    path = f"/backends/guarded/sources/{made['uuid']}"
    assert site.call("PUT", "/directories/favorites/crm/1")[0] == 204
    assert favorites() == 1
    assert site.call("PUT", path, {**keys, "name": "people"})[0] == 204
    assert favorites() == 1
    assert site.call("DELETE", path)[0] == 204
    site.make("people", **keys)
    assert favorites() == 0


def test_a_kept_source_that_cannot_start_says_so_and_leaves_the_others(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, made = site.make("crm")
    site.directory.close()

    def load(self: Guarded, args: Mapping[str, Any]) -> None:
        Rows.load(self, args)
        if self.name == "crm":
            raise ZeroDivisionError("this one")

    monkeypatch.setattr(Guarded, "load", load)
    directory = Directory(site.config, verify=RIGHTS.get)
    site.directory, site.http = directory, directory.app.test_client()
    assert [failure.name for failure in directory.status.failures] == ["crm"]
    status, body = site.call("GET", "/directories/lookup/default?term=")
    assert status == 200
    assert [(s["name"], s["verdict"]) for s in body["sources"]] == [
        ("fixed", "answered"), ("crm", "failed"),
    ]  # fmt: skip
    shown = site.call("GET", f"/backends/guarded/sources/{made['uuid']}")[1]
    assert shown["is_loaded"] is False and "ZeroDivisionError" in shown["error"]


def test_lookups_go_on_while_sources_change(site: Site) -> None:
    """Every lookup finds the source that stays, and each source has one verdict or none."""
    ending, wrong = threading.Event(), []

    def look() -> None:
        while not ending.is_set():
            answer = site.directory.services["lookup"].lookup("", "default")
            if "Zoë" not in [result.fields["name"] for result in answer.results]:
                wrong.append(answer)

    threads = [threading.Thread(target=look) for _ in range(3)]
    for thread in threads:
        thread.start()
    for _ in range(15):
        _, made = site.make("crm")
        path = f"/backends/guarded/sources/{made['uuid']}"
        assert site.call("PUT", path, {"name": "crm2", "rows": []})[0] == 204
        assert site.call("DELETE", path)[0] == 204
    ending.set()
    for thread in threads:
        thread.join()
    assert wrong == []


def test_a_database_of_before_gets_their_table(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'old.db'}"
    with DirectoryStore(url) as store, store._database.change() as connection:
        schema.sources.drop(connection)
        connection.execute(sa.update(schema.facts).values(value="1"))
    with DirectoryStore(url) as store:
        store.sources.add("crm", "sample", (), {})
        assert [one.name for one in store.sources.all()] == ["crm"]


def test_a_wrong_setting_of_theirs_is_told(tmp_path: Path) -> None:
    settings = {
        "db_uri": f"sqlite:///{tmp_path}/a.db",
        "services": {"kept_sources": {"trust": []}},
    }
    with Directory(settings, verify=RIGHTS.get) as directory:
        failures = {one.name: one.reason for one in directory.status.failures}
    assert "trust" in failures["kept_sources"]
