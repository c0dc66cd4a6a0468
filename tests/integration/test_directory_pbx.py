"""Back-ends wazo, xivo and conference: users and rooms of a telephone system and of several."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from pelagos.core.certificate import Authority, save_pair
from pelagos.core.errors import PelagosError
from pelagos.directory.backends.pbx.conferences import ConferencesBackend
from pelagos.directory.backends.pbx.users import UsersBackend
from pelagos.directory.errors import SourceError
from support import pbx as pbxes
from support.pbx import FakePbx, conference, user

pytestmark = pytest.mark.integration

FORMATS = {"name": "{firstname} {lastname}", "number": "{exten}", "reverse": "{full_name}"}


@pytest.fixture
def pbx() -> Iterator[FakePbx]:
    with pbxes.serving() as server:
        fill(server)
        yield server


def fill(server: FakePbx) -> None:
    server.users = [
        user(1, "Alice", "Élan", "1001", mobile_phone_number="+33612345678", agent_id=7),
        user(2, "Bob", "Roy", "1002", description="knows Alice", context="sales"),
        user(17, "Célestine", "", None, userfield="x"),
    ]
    server.conferences = [
        conference(3, "Réunion du matin", ["4001", "4002"], ["+3314001"]),
        conference(4, "Empty", [], []),
    ]


Load = Callable[..., UsersBackend]


@pytest.fixture
def load() -> Iterator[Load]:
    with contextlib.ExitStack() as ending:

        def loaded(config: dict[str, Any], kind: type[Any] = UsersBackend) -> Any:
            backend = kind()
            backend.name, backend.backend = "staff", "wazo"
            backend.load({"config": config})
            ending.callback(backend.unload)
            return backend

        yield loaded


def old(server: FakePbx, **more: Any) -> dict[str, Any]:
    return {
        "confd_config": server.old(),
        "searched_columns": ["firstname", "lastname", "full_name"],
        "first_matched_columns": ["exten", "mobile_phone_number"],
        "format_columns": FORMATS,
        **more,
    }


def new(server: FakePbx, **more: Any) -> dict[str, Any]:
    found = {**old(server), **server.new(), **more}
    del found["confd_config"]
    return found


def ids(results: Any) -> list[str]:
    return [result.source_entry_id() for result in results]


@pytest.mark.parametrize(
    ("term", "found"),
    [
        ("alice", ["1"]), ("elan", ["1"]), ("ÉLAN", ["1"]), ("bob roy", ["2"]), ("celest", ["17"]),
        ("", ["1", "2", "17"]), ("nobody", []), ("%", []), ("1001", []), ("a&search=b", []),
    ],
)  # fmt: skip
@pytest.mark.parametrize("make", [old, new], ids=["xivo", "wazo"])
def test_users_are_found_in_the_searched_columns_only(
    pbx: FakePbx, load: Load, make: Callable[..., Any], term: str, found: list[str]
) -> None:
    pbx.scheme = "token" if make is new else None
    assert ids(load(make(pbx)).search(term)) == found


def test_a_user_has_its_columns_and_relations(pbx: FakePbx, load: Load) -> None:
    (result,) = load(old(pbx)).search("alice")
    assert result.source == "staff" and result.backend == "wazo"
    assert result.relations == {
        "xivo_id": pbx.uuid, "agent_id": 7, "user_id": 1, "user_uuid": pbx.users[0]["uuid"],
        "endpoint_id": 101, "source_entry_id": "1",
    }  # fmt: skip
    assert result.fields == {
        "id": 1, "exten": "1001", "firstname": "Alice", "lastname": "Élan",
        "full_name": "Alice Élan", "userfield": None, "email": None, "description": None,
        "mobile_phone_number": "+33612345678", "voicemail_number": None,
        "name": "Alice Élan", "number": "1001", "reverse": "Alice Élan",
    }  # fmt: skip
    (result,) = load(old(pbx)).search("celest")
    assert result.fields["number"] is None and result.fields["reverse"] == "Célestine"


def test_numbers_match_exactly_one_or_many_at_a_time(pbx: FakePbx, load: Load) -> None:
    backend = load(old(pbx))
    match = backend.first_match("+33612345678")
    assert match is not None and match.source_entry_id() == "1"
    assert backend.first_match("100") is None and backend.first_match("") is None
    pbx.asked.clear()
    found = backend.match_all(["1001", "9", "1002", "1001"])
    assert {k: v.source_entry_id() for k, v in found.items()} == {"1001": "1", "1002": "2"}
    assert [path for path, _ in pbx.asked] == ["users"]  # one question for all
    assert backend.match_all([]) == {} and len(pbx.asked) == 1


def test_a_number_is_found_as_it_is_dialled_where_a_region_is_set(
    pbx: FakePbx, load: Load
) -> None:
    match = load(old(pbx, region="FR")).first_match("06 12 34 56 78")
    assert match is not None and match.source_entry_id() == "1"
    assert load(old(pbx)).first_match("0612345678") is None


def test_users_are_listed_by_their_ids(pbx: FakePbx, load: Load) -> None:
    backend = load(old(pbx))
    assert sorted(ids(backend.list(["17", "1", "99", "x"]))) == ["1", "17"]
    pbx.asked.clear()
    assert backend.list([]) == [] and pbx.asked == []


def test_the_context_goes_with_the_question(pbx: FakePbx, load: Load) -> None:
    backend = load(old(pbx, extra_search_params={"context": "sales"}))
    assert ids(backend.search("")) == ["2"] and ids(backend.list(["1", "2"])) == ["2"]
    assert backend.first_match("1001") is None


# ---- conference rooms ---------------------------------------------------------------------------


def rooms(server: FakePbx) -> dict[str, Any]:
    return new(
        server,
        searched_columns=["name", "extensions", "incalls"],
        first_matched_columns=["extensions", "incalls"],
        format_columns={"name": "{name}", "number": "{extensions[0]}"},
    )


@pytest.mark.parametrize(
    ("term", "found"),
    [("reunion", ["3"]), ("RÉUN", ["3"]), ("4002", ["3"]), ("3314", ["3"]), ("", ["3", "4"])],
)
def test_rooms_are_found_by_name_extension_and_incall(
    pbx: FakePbx, load: Load, term: str, found: list[str]
) -> None:
    pbx.scheme = "token"
    assert ids(load(rooms(pbx), ConferencesBackend).search(term)) == found


def test_rooms_match_and_one_without_extension_shows_no_number(pbx: FakePbx, load: Load) -> None:
    backend = load(rooms(pbx), ConferencesBackend)
    found = backend.match_all(["4002", "+3314001", "400"])
    assert {k: v.source_entry_id() for k, v in found.items()} == {"4002": "3", "+3314001": "3"}
    assert backend.first_match("4001").fields["number"] == "4001"
    (empty,) = backend.search("empty")
    assert empty.fields["number"] is None and empty.fields["extensions"] in (None, [])
    assert ids(backend.list(["4", "3", "5"])) == ["3", "4"]


# ---- who may ask --------------------------------------------------------------------------------


@pytest.mark.parametrize("scheme", ["basic", "digest"])
def test_a_name_is_given_when_it_is_asked_for(pbx: FakePbx, load: Load, scheme: str) -> None:
    pbx.scheme = scheme
    own = pbx.old(username=pbxes.NAME, password=pbxes.PASSWORD)
    backend = load(old(pbx, confd_config=own))
    for _ in range(2):
        assert ids(backend.search("é")) == ["1", "2", "17"] or ids(backend.search("elan")) == ["1"]
    wrong = load(old(pbx, confd_config=pbx.old(username="dird", password="n0t-th1s")))
    with pytest.raises(SourceError, match="does not let us in") as caught:
        wrong.search("alice")
    assert "n0t" not in f"{caught.value}{caught.value.hint}{wrong._settings!r}"
    with pytest.raises(SourceError, match="does not let us in"):
        load(old(pbx)).search("alice")


def test_a_token_is_kept_and_fetched_anew_when_it_is_refused(pbx: FakePbx, load: Load) -> None:
    pbx.scheme = "token"
    backend = load(new(pbx))
    for _ in range(3):
        assert ids(backend.search("alice")) == ["1"]
    assert pbx.token_count == 1
    pbx.tokens.clear()  # as after a restart of the telephone system
    assert ids(backend.search("alice")) == ["1"]
    assert pbx.token_count == 2


def test_a_key_file_holds_the_name(pbx: FakePbx, load: Load, tmp_path: Path) -> None:
    pbx.scheme = "token"
    file = tmp_path / "key.yml"
    backend = load({**new(pbx), **pbx.new(key_file=str(file))})
    with pytest.raises(SourceError, match=r"key\.yml"):
        backend.search("alice")
    file.write_text(f"service_id: {pbxes.NAME}\nservice_key: '{pbxes.PASSWORD}'\n")
    assert ids(backend.search("alice")) == ["1"]
    file.write_text("service_id: x\n")
    with pytest.raises(SourceError, match="service_key"):
        load({**new(pbx), **pbx.new(key_file=str(file))}).search("alice")


def test_a_wrong_password_of_auth_is_told_and_never_shown(pbx: FakePbx, load: Load) -> None:
    backend = load({**new(pbx), **pbx.new(password="n0t-th1s")})
    with pytest.raises(SourceError, match="gives no token to dird") as caught:
        backend.search("alice")
    assert "n0t" not in f"{caught.value}{caught.value.hint}{backend._settings!r}"


def test_https_trusts_the_authority_that_is_configured(load: Load, tmp_path: Path) -> None:
    now = time.time()
    authority = Authority.open(tmp_path / "ca", name="tests", now=now)
    issued = authority.issue_server(("127.0.0.1",), now=now, lifetime=86_400)
    save_pair(issued, tmp_path / "server.pem", tmp_path / "server.key")
    with pbxes.serving(tls=tmp_path) as server:
        fill(server)
        for verify in (str(tmp_path / "ca/ca.pem"), False):
            own = server.old(https=True, verify_certificate=verify)
            assert ids(load(old(server, confd_config=own)).search("alice")) == ["1"]
        with pytest.raises(SourceError, match="not from an authority"):
            load(old(server, confd_config=server.old(https=True))).search("alice")


# ---- when things go wrong -----------------------------------------------------------------------


@pytest.mark.parametrize("mood", ["missing", "broken", "garbage", "list", "cut"])
def test_a_sick_system_fails_and_heals(pbx: FakePbx, load: Load, mood: str) -> None:
    pbx.mood = mood
    backend = load(old(pbx))
    for ask in (lambda: backend.search("s3arched"), lambda: backend.list(["1"]), backend.check):
        with pytest.raises(SourceError) as caught:
            ask()
        assert "s3arched" not in str(caught.value)  # whom one looked for is nobody's business
    pbx.mood = "well"
    assert ids(backend.search("alice")) == ["1"] and backend.check() == []


def test_a_hung_system_fails_in_its_time(pbx: FakePbx, load: Load) -> None:
    backend = load(old(pbx, confd_config=pbx.old(timeout=0.3)))
    pbx.mood = "hung"
    began = time.monotonic()
    with pytest.raises(SourceError, match="no whole answer"):
        backend.search("alice")
    assert time.monotonic() - began < 30


def test_a_system_that_comes_late_is_found(load: Load) -> None:
    with pbxes.serving() as former:
        port = former.port
        config = old(former)
    backend = load(config)  # nobody is there
    with pytest.raises(SourceError, match="nobody answers"):
        backend.search("alice")
    with pbxes.serving(port=port) as server:
        fill(server)
        assert ids(backend.search("alice")) == ["1"]


@pytest.mark.parametrize(
    "items",
    [
        [1, 2], ["x"], [None], {"a": 1}, "text", None,
    ],
)  # fmt: skip
def test_a_list_of_something_else_fails(pbx: FakePbx, load: Load, items: Any) -> None:
    pbx.users = items
    pbx.answer = lambda *_: (200, __import__("json").dumps({"items": items}).encode())  # type: ignore[method-assign]
    with pytest.raises(SourceError, match="no list"):
        load(old(pbx)).search("alice")


def test_odd_values_of_a_user_do_no_harm(pbx: FakePbx, load: Load) -> None:
    pbx.users = [
        {"id": 5, "firstname": ["Alice"], "lastname": {"x": 1}, "exten": 1001, "email": True},
        {"firstname": "Alice", "uuid": 7},
        {},
    ]
    results = load(old(pbx, searched_columns=["firstname", "exten"])).search("")
    assert ids(results) == ["5", None, None]
    assert results[0].fields["firstname"] is None and results[0].fields["number"] == "1001"
    assert results[1].relations["user_uuid"] == 7


@pytest.mark.parametrize(
    "change",
    [
        {"searched_columns": ["first_name"]}, {"unique_column": "uuid"}, {"confd": {}},
        {"confd_config": {"host": "a/b"}}, {"confd_config": {"port": 0.5}},
        {"confd_config": {"prot": 1}}, {"confd_config": {"verify_certificate": 1}},
        {"confd_config": {"timeout": "4"}}, {"extra_search_params": {"a": []}}, {"tpye": "x"},
        {"auth": {"username": "x", "key_file": "/x"}, "confd_config": None}, {"auth": {}},
    ],
)  # fmt: skip
def test_a_configuration_that_cannot_be_meant_is_refused(
    pbx: FakePbx, load: Load, change: dict[str, Any]
) -> None:
    with pytest.raises(PelagosError):
        load({**old(pbx), **change})
