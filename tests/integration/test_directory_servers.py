"""Back-end servers: those of a cloud, by a Nova beside the box's Keystone, on its bad days too."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from pelagos.core.clock import ManualClock
from pelagos.core.errors import PelagosError
from pelagos.directory import Directory
from pelagos.directory.errors import NotForAskerError, SourceError
from pelagos.directory.former import listening
from pelagos.directory.model import Asker
from pelagos.plane.sources.server_rows import COLUMNS
from pelagos.plane.sources.servers import ServersBackend
from support import nova as novas
from support.nova import Nova, server

pytestmark = pytest.mark.integration

Load = Callable[..., ServersBackend]

ANN = {"token": "ann"}


@pytest.fixture
def nova() -> Iterator[Nova]:
    with novas.serving() as running:
        running.servers = [
            server(
                "a", "Kühlraum", "10.0.0.7", "2001:db8::7", "+192.0.2.7",
                tenant_id=running.person.project_id, key_name="ada",
            ),
            server("b", "triton", "10.0.0.8", flavor={"id": "gone"}, image=""),
            server("c", "nemo"),
        ]  # fmt: skip
        yield running


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def load(nova: Nova, tmp_path: Path, clock: ManualClock) -> Iterator[Load]:
    with contextlib.ExitStack() as ending:

        def loaded(_cloud: dict[str, Any] | None = None, **config: Any) -> ServersBackend:
            backend = ServersBackend(nova.environ(tmp_path, **(_cloud or {})), clock)
            backend.name, backend.backend = "machines", "servers"
            backend.load({"config": config, "main_config": {}, "context": {}, "store": None})
            ending.callback(backend.unload)
            return backend

        yield loaded


def names(results: list[Any]) -> list[str]:
    return [result.fields["name"] for result in results]


def test_an_entry_has_all_columns(load: Load) -> None:
    [found] = load(format_columns={"where": "{ipv4} {floating}"}).search("kuhlraum", ANN)
    assert tuple(found.fields) == (*COLUMNS, "where")
    assert dict(found.fields) == {
        "id": "a", "name": "Kühlraum", "status": "ACTIVE",
        "addresses": ["10.0.0.7", "2001:db8::7", "192.0.2.7"], "ipv4": "10.0.0.7",
        "ipv6": "2001:db8::7", "floating": "192.0.2.7", "flavor": "small", "image": "i1",
        "key_name": "ada", "project": "demo", "created": "2026-01-02T03:04:05Z", "host": None,
        "where": "10.0.0.7 192.0.2.7",
    }  # fmt: skip
    assert found.source_entry_id() == "a"


def test_what_the_cloud_does_not_tell_is_none_or_an_id(load: Load) -> None:
    [triton] = load().list(["b"], ANN)
    told = ("flavor", "image", "floating", "ipv6", "project", "key_name")
    assert [triton.fields[column] for column in told] == ["gone", None, None, None, "p1", None]
    [nemo] = load().list(["c"], ANN)
    assert nemo.fields["addresses"] is None and nemo.fields["ipv4"] is None


@pytest.mark.parametrize(
    ("exten", "found"),
    [
        ("Kühlraum", "a"), ("10.0.0.7", "a"), ("192.0.2.7", "a"), ("2001:db8::7", "a"),
        ("2001:DB8:0::0007", "a"), ("10.0.0.8", "b"), ("nemo", "c"), ("10.0.0", None),
        ("", None), ("NEMO", None),
    ],
)  # fmt: skip
def test_a_server_is_matched_by_its_name_and_by_each_address(
    load: Load, exten: str, found: str | None
) -> None:
    match = load().first_match(exten, ANN)
    assert (match and match.source_entry_id()) == found


@pytest.mark.parametrize("args", [None, {}, {"token": None}, {"token": ""}])
def test_nobody_is_told_anything_without_a_token(
    nova: Nova, load: Load, args: dict[str, Any] | None
) -> None:
    backend = load(stale=60)
    assert backend.search("", ANN)
    for ask in (
        lambda: backend.search("nemo", args),
        lambda: backend.list(["a"], args),
        lambda: backend.first_match("nemo", args),
        lambda: backend.match_all(["nemo"], args),
    ):
        with pytest.raises(NotForAskerError, match="nobody is known to ask"):
            ask()
    assert nova.lists == 1


def test_five_thousand_servers_come_in_pages(nova: Nova, load: Load) -> None:
    nova.servers = [server(n, f"node-{n:04}", f"10.{n >> 8}.{n & 255}.1") for n in range(5000)]
    backend = load()
    assert len(backend.search("", ANN)) == 5000
    assert names(backend.search("node-4711", ANN)) == ["node-4711"]
    assert set(backend.match_all(["10.19.135.1", "node-0001", "no"], ANN)) == {
        "10.19.135.1",
        "node-0001",
    }
    pages = [query for path, query in nova.asked if path.endswith("/detail")]
    assert [page.get("marker") for page in pages] == [None, "999", "1999", "2999", "3999"]


def test_deleted_servers_are_not_there(nova: Nova, load: Load) -> None:
    nova.servers[1]["status"] = "DELETED"
    assert names(load().search("", ANN)) == ["Kühlraum", "nemo"]


def test_the_list_is_remembered_for_a_few_seconds(
    nova: Nova, load: Load, clock: ManualClock
) -> None:
    backend = load(fresh=3)
    for term in ("a", "b", ""):
        backend.search(term, ANN)
    assert nova.lists == 1
    nova.servers.append(server("d", "dory"))
    clock.advance(2.9)
    assert "dory" not in names(backend.search("", ANN))
    clock.advance(0.2)
    assert "dory" in names(backend.search("", ANN))
    assert nova.lists == 2


def test_many_who_ask_at_once_are_one_question(nova: Nova, load: Load) -> None:
    nova.mood = "hung"
    backend = load()
    found: list[int] = []
    threads = [
        threading.Thread(target=lambda: found.append(len(backend.search("", ANN))))
        for _ in range(12)
    ]
    for thread in threads:
        thread.start()
    assert nova.arrived.wait(60)
    nova.mood = "well"
    nova.gate.set()
    for thread in threads:
        thread.join(60)
    assert found == [3] * 12
    assert nova.lists == 1


def test_a_token_that_has_ended_is_renewed(nova: Nova, load: Load, clock: ManualClock) -> None:
    backend = load()
    assert len(backend.search("", ANN)) == 3
    nova.revoke()
    clock.advance(60)
    assert len(backend.search("", ANN)) == 3
    assert len(set(nova.tokens)) == 2


def test_a_fixed_token_that_has_ended_is_an_error_that_says_so(nova: Nova, load: Load) -> None:
    fixed = {"username": "", "password": "", "project_name": "", "token": nova.person.token()}
    backend = load(fixed)
    assert len(backend.search("", ANN)) == 3
    nova.revoke()
    with pytest.raises(SourceError, match="cloud work: 401") as caught:
        backend.check()
    assert "new one" in str(caught.value.hint)


def test_a_wrong_password_says_where_it_is_written(load: Load) -> None:
    backend = load({"password": "wrong"})
    with pytest.raises(SourceError, match="cloud work: 401") as caught:
        backend.search("", ANN)
    assert "config.toml" in str(caught.value.hint)
    assert "wrong" not in str(caught.value)


@pytest.mark.parametrize(
    ("mood", "said"), [(500, "500"), (503, "503"), (403, "403"), ("garbage", "servers")]
)
def test_a_failing_nova_is_an_error_at_once(
    nova: Nova, load: Load, mood: str | int, said: str
) -> None:
    nova.mood = mood
    began = time.monotonic()
    with pytest.raises(SourceError, match=f"cloud work: .*{said}"):
        load().search("", ANN)
    assert time.monotonic() - began < 20  # far from the 30 s that it asks to wait
    assert nova.lists <= 2


def test_a_list_that_goes_in_circles_ends(nova: Nova, load: Load) -> None:
    nova.mood = "endless"
    with pytest.raises(SourceError, match="in circles"):
        load().search("", ANN)


def test_a_hung_nova_keeps_nobody_longer_than_the_timeout(nova: Nova, load: Load) -> None:
    nova.mood = "hung"
    began = time.monotonic()
    with pytest.raises(SourceError, match=r"no .*answer"):
        load(timeout=0.5).search("", ANN)
    assert time.monotonic() - began < 15


def test_an_unreachable_nova_is_named(load: Load, nova: Nova) -> None:
    backend = load()
    nova.stop()
    with pytest.raises(SourceError, match=r"cloud work: .*127\.0\.0\.1"):
        backend.search("", ANN)


@pytest.mark.parametrize("mood", [500, "hung"])
def test_a_stale_answer_stands_in_where_the_source_says_so(
    nova: Nova, load: Load, clock: ManualClock, mood: str | int
) -> None:
    backend = load(stale=60, timeout=2)
    backend.search("", ANN)
    nova.mood = mood
    clock.advance(30)
    with listening() as former:
        assert names(backend.search("nemo", ANN)) == ["nemo"]
        assert backend.first_match("10.0.0.8", ANN) is not None  # another question than before
    assert len(former) == 2 and former[0].startswith("answered 30 s ago; now: ")
    clock.advance(31)
    with pytest.raises(SourceError):
        backend.search("nemo", ANN)


def test_without_stale_there_is_no_stale_answer(
    nova: Nova, load: Load, clock: ManualClock
) -> None:
    backend = load()
    backend.search("", ANN)
    nova.mood = 500
    clock.advance(6)
    with pytest.raises(SourceError, match="500"):
        backend.search("", ANN)
    nova.mood = "well"
    assert len(backend.search("", ANN)) == 3


def test_servers_of_all_projects_need_an_administrator(nova: Nova, load: Load) -> None:
    with pytest.raises(SourceError, match="403") as caught:
        load(all_projects=True).search("", ANN)
    assert "all_projects" in str(caught.value.hint)
    nova.person = nova.box.admin
    nova.servers[0]["OS-EXT-SRV-ATTR:host"] = "rack-3"
    backend = load(all_projects=True, searched_columns=["host"])
    assert names(backend.search("rack", ANN)) == ["Kühlraum"]
    assert backend.check() == []


def test_a_synnefo_is_asked_in_its_own_way_in(nova: Nova, load: Load) -> None:
    of_synnefo = {
        "auth_url": nova.box.astakos_url, "token": nova.person.token(), "username": "",
        "password": "", "project_name": "",
    }  # fmt: skip
    nova.servers = [server(7, "snf-7", "192.0.2.7")]
    assert names(load(of_synnefo).search("192.0.2", ANN)) == ["snf-7"]
    with pytest.raises(SourceError, match="Synnefo") as caught:
        load(of_synnefo, all_projects=True)
    assert "all_projects" in str(caught.value.hint)


def test_the_check_says_when_hosts_are_not_told(load: Load) -> None:
    assert load().check() == []
    [line] = load(format_columns={"at": "{host}"}).check()
    assert "host is always empty" in line


@pytest.mark.parametrize(
    ("config", "said"),
    [
        ({"cloud": "wrok"}, "no cloud is called wrok"),
        ({"searched_columns": ["nmae"]}, "nmae"),
        ({"unique_column": "name"}, "unique_column"),
        ({"fresh": 0}, "fresh"),
        ({"all_projects": "yes"}, "all_projects"),
        ({"cluod": "work"}, "cluod"),
    ],
)
def test_what_cannot_be_meant_is_refused(load: Load, config: dict[str, Any], said: str) -> None:
    with pytest.raises(PelagosError, match=said) as caught:
        load(**config)
    if config.get("cloud"):
        assert "work" in str(caught.value.hint)


def answered(directory: Directory, term: str) -> tuple[str, str | None, list[str]]:
    """Verdict, error and names of the one source."""
    answer = directory.services["lookup"].lookup(term, "default", Asker("t"))
    [said] = answer.sources
    return str(said.verdict), said.error, [one.fields["name"] for one in answer.results]


def test_in_a_directory_each_bad_day_has_its_verdict(
    nova: Nova, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in nova.environ(tmp_path).items():
        monkeypatch.setenv(name, value)
    lookup = {"default": {"sources": ["machines"], "timeout": 20.0}}
    source = {"type": "servers", "cloud": "work", "fresh": 1e-6, "timeout": 1.0}
    config = {"sources": {"machines": source}, "services": {"lookup": lookup}}
    directory = Directory(config, verify=lambda _token: {"token": "t"})
    try:
        nova.mood = "hung"
        verdict, _, _ = answered(directory, "nemo")
        assert verdict in {"late", "failed"}
        nova.mood = 500
        nova.gate.set()
        verdict, error, _ = answered(directory, "nemo")
        assert (verdict, (error or "")[:15]) == ("failed", "cloud work: 500")
    finally:
        directory.close()
    directory = Directory(
        config | {"sources": {"machines": source | {"stale": 60}}},
        verify=lambda _token: {"token": "t"},
    )
    try:
        nova.mood = "well"
        assert answered(directory, "nem") == ("answered", None, ["nemo"])
        nova.mood = 500
        verdict, error, found = answered(directory, "tri")
        assert (verdict, found) == ("stale", ["triton"])
        assert "now: cloud work: 500" in (error or "")
    finally:
        directory.close()
