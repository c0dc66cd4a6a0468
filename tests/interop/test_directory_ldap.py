"""The ldap back-end on a real OpenLDAP server: found, refused, frozen, killed, started again."""

from __future__ import annotations

import contextlib
import gc
import random
import socket
import tempfile
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from pelagos.core.certificate import Authority, save_pair
from pelagos.directory.backends.ldap.backend import LdapBackend
from pelagos.directory.errors import SourceError
from support import ldap_messages, slapd
from support.require import Require
from support.slapd import PASSWORD, Slapd, Tls, organization, person

#: Seconds that an answer may take on a busy machine when nothing is wrong; far above the normal.
PATIENT = {"ldap_timeout": 20, "ldap_network_timeout": 20}
GUID = uuid.UUID("00112233-4455-6677-8899-aabbccddeeff")

PEOPLE = [
    organization(),
    person("1", "Céline Bär", l="Québec", mail="celine@x", telephoneNumber="+33 1 23"),
    person("2", "Bob Roy", l="Montréal", mobile=["55", "66"], mail="bob@x"),
    person("3", "Zoë Bobrow", l="Québec", objectGUID=GUID.bytes, employeeNumber="7"),
    person("4", "Odd (x*y) \\ Name", l="Lyon", title="a&b|c", mobile="+33 6 12 34 56 78"),
]


@pytest.fixture(scope="module")
def server(require: Require, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Slapd]:
    """A server that all tests of this file share; nobody may stop it."""
    yield from running(require, tmp_path_factory.mktemp("slapd"), PEOPLE)


@pytest.fixture
def own_server(require: Require, tmp_path: Path) -> Iterator[Slapd]:
    """A server of one's own, to be frozen, killed and started again."""
    yield from running(require, tmp_path / "slapd", PEOPLE)


def running(
    require: Require, folder: Path, entries: list[Any], **settings: Any
) -> Iterator[Slapd]:
    slapd.require_all(require)
    server = Slapd(folder, **settings)
    server.fill(entries)
    try:
        server.start()
        yield server
    finally:
        server.stop()


Load = Callable[..., LdapBackend]


@pytest.fixture
def load() -> Iterator[Load]:
    """Loads a source on a server; its sessions end with the test."""
    with contextlib.ExitStack() as ending:

        def loaded(server: Slapd, **config: Any) -> LdapBackend:
            backend = LdapBackend()
            backend.name = "people"
            own = {
                "ldap_uri": server.uri,
                "ldap_base_dn": server.base,
                "searched_columns": ["cn"],
                "first_matched_columns": ["telephoneNumber", "mobile"],
                "unique_column": "uid",
                "format_columns": {"name": "{cn}", "number": "{mobile}"},
                **PATIENT,
                **config,
            }
            given = {key: value for key, value in own.items() if value is not None}
            backend.load({"config": given})
            ending.callback(backend.unload)
            return backend

        yield loaded


def uids(rows: list[dict[str, Any]]) -> list[str]:
    return sorted(row["uid"] for row in rows)


# ---- what is found ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("term", "found"),
    [
        ("bob", ["2", "3"]), ("celine", ["1"]), ("CÉLINE", ["1"]), ("bar", ["1"]), ("zoe", ["3"]),
        ("*", ["4"]), ("(x*y)", ["4"]), ("\\", ["4"]), (")(uid=*", []), ("\0", []),
        ("", list("1234")),
        ("nobody", []), ("\udcff", []), ("*)(|(cn=*", []), ("%Q", []),
    ],
)  # fmt: skip
def test_terms_are_found_as_typed_without_case_and_accents(
    server: Slapd, load: Load, term: str, found: list[str]
) -> None:
    assert uids(load(server).search(term)) == found


def test_a_number_is_found_in_each_value_of_each_column(server: Slapd, load: Load) -> None:
    backend = load(server)
    for number, uid in (("+33 1 23", "1"), ("+33123", "1"), ("55", "2"), ("66", "2")):
        row = backend.first_match(number)
        assert row is not None and row["uid"] == uid
    for number in ("5", "555", "", "*", "nobody", "\0", "\udcff"):
        assert backend.first_match(number) is None
    assert {n: r["uid"] for n, r in backend.match_all(["66", "9", "+33123", "55"]).items()} == {
        "66": "2", "+33123": "1", "55": "2",
    }  # fmt: skip
    many = [str(n) for n in range(1000)]
    assert set(backend.match_all(many)) == {"55", "66"}


def test_a_number_is_found_as_it_is_dialled_where_a_region_is_set(
    server: Slapd, load: Load
) -> None:
    french = load(server, region="FR")
    for dialled in ("06 12 34 56 78", "0612345678", "0033612345678", "+33612345678"):
        row = french.first_match(dialled)
        assert row is not None and row["uid"] == "4"
    assert set(french.match_all(["0612345678", "55", "0712345678"])) == {"0612345678", "55"}
    assert load(server).first_match("0612345678") is None


def test_long_questions_are_asked_or_refused_and_never_stick(server: Slapd, load: Load) -> None:
    backend = load(server, searched_columns=["cn", "sn", "mail", "l"], region="FR")
    for term in ("a" * 200, "a" * 1000, "(" * 1000, "é" * 1000, "Céline Bär" * 100):
        assert backend.search(term) == []
    custom = "(|" + "(cn=*%Q*)" * 20 + ")"
    with pytest.raises(SourceError, match="too long"):
        load(server, ldap_custom_filter=custom).search("*" * 2000)
    assert load(server, ldap_custom_filter=custom).search("*" * 1000) == []  # 60 kB
    many = [f"{n:0>250}" for n in range(200)]
    assert backend.match_all([*many, "55", "1" * 100_000]).keys() == {"55"}
    assert [r["uid"] for r in backend.list([*many, "3", "1" * 100_000])] == ["3"]


def test_numbers_are_searched_like_text(server: Slapd, load: Load) -> None:
    backend = load(server, searched_columns=["telephoneNumber", "cn"])
    assert uids(backend.search("3 1 2")) == ["1"] == uids(backend.search("312"))


def test_a_row_has_the_columns_of_the_configuration_and_the_first_value(
    server: Slapd, load: Load
) -> None:
    assert load(server).search("roy") == [{"cn": "Bob Roy", "mobile": "55", "uid": "2"}]
    assert load(server).search("zoë") == [{"cn": "Zoë Bobrow", "mobile": None, "uid": "3"}]
    written = load(server, format_columns={"name": "{CN} {SurName}{sn}"}).search("roy")
    assert written == [{"CN": "Bob Roy", "SurName": None, "sn": "Roy", "uid": "2"}]


def test_without_templates_all_attributes_come_and_bytes_do_no_harm(
    server: Slapd, load: Load
) -> None:
    (row,) = load(server, format_columns=None).search("zoë")
    assert row["cn"] == "Zoë Bobrow" and row["employeeNumber"] == "7" and row["l"] == "Québec"
    assert isinstance(row["objectGUID"], str)


def test_entries_are_listed_by_their_ids_in_the_order_asked(server: Slapd, load: Load) -> None:
    backend = load(server)
    rows = backend.list(["3", "nobody", "*", "1", "\udcff", ""])
    assert [row["uid"] for row in rows] == ["3", "1"]
    assert backend.list([]) == [] == backend.list(["\u00b9"])  # which the server takes for 1
    assert len(load(server, format_columns=None, unique_column="UID").list(["2", "1"])) == 2
    assert len(backend.list([str(n) for n in range(500)])) == 4
    assert load(server, unique_column=None).list(["1"]) == []


def test_a_binary_uuid_goes_there_and_back(server: Slapd, load: Load) -> None:
    backend = load(server, unique_column="objectGUID", unique_column_format="binary_uuid")
    (row,) = backend.search("zoë")
    assert row["objectGUID"] == str(GUID)
    assert [r["cn"] for r in backend.list([str(GUID), "no uuid", str(uuid.UUID(int=0))])] == [
        "Zoë Bobrow"
    ]
    assert backend.search("roy")[0]["objectGUID"] is None


@pytest.mark.parametrize(
    ("custom", "columns", "term", "found"),
    [
        ("(l=Québec)", ["cn"], "bob", ["3"]),
        ("l=québec", ["cn"], "bob", ["3"]),
        ("(&(l=Montréal)(cn=*%Q*))", None, "bob", ["2"]),
        ("(&(l=Montréal)(cn=*%Q*))", None, ")(uid=*", []),
        ("(|(cn=*%Q*)(title=*%Q*))", None, "a&b|c", ["4"]),
        ("(|(cn=%Q*)(title=%Q))", None, "", ["1", "2", "3", "4"]),
        ("(&(objectClass=person)(!(l=Lyon)))", ["cn", "mail"], "", ["1", "2"]),
    ],
)
def test_a_custom_filter_narrows_and_replaces(
    server: Slapd, load: Load, custom: str, columns: list[str] | None, term: str, found: list[str]
) -> None:
    backend = load(server, ldap_custom_filter=custom, searched_columns=columns)
    got = uids(backend.search(term))
    assert got == found or (columns is not None and set(found) <= set(got) and not term)


def test_a_custom_filter_that_looks_at_no_number_matches_nobody(server: Slapd, load: Load) -> None:
    any_ = load(server, ldap_custom_filter="(l=Québec)", first_matched_columns=None)
    assert any_.first_match("55") is None
    own = load(server, ldap_custom_filter="(mobile=%Q)", first_matched_columns=None)
    assert own.match_all(["66", "1"])["66"]["uid"] == "2"
    both = load(server, ldap_custom_filter="(&(l=Québec)(objectClass=person))")
    assert both.first_match("55") is None


def test_a_base_and_a_name_may_have_accents(require: Require, tmp_path: Path, load: Load) -> None:
    people = [
        ("", {"objectClass": "organization", "o": "Société Élan"}),
        person("1", "Ève"),
    ]
    base = "o=Société Élan"
    for server in running(require, tmp_path / "s", people, base=base, anonymous="auth"):
        backend = load(server, ldap_username=server.admin, ldap_password=PASSWORD)
        assert uids(backend.search("eve")) == ["1"] == uids(backend.search("ÈVE"))
        assert backend.check() == ["no entry below 'o=Société Élan' has the attribute " + repr(a)
                                   for a in ("telephoneNumber", "mobile")]  # fmt: skip


def test_a_reference_to_another_server_is_no_entry(
    require: Require, tmp_path: Path, load: Load
) -> None:
    reference = (
        "cn=elsewhere",
        {"objectClass": ["referral", "extensibleObject"], "cn": "elsewhere",
         "ref": "ldap://192.0.2.1/dc=example,dc=org"},
    )  # fmt: skip
    for server in running(require, tmp_path / "s", [*PEOPLE, reference]):
        assert uids(load(server).search("")) == ["1", "2", "3", "4"]


def test_thousands_of_entries_come_in_pages_and_a_huge_one_is_left_out(
    require: Require, tmp_path: Path, load: Load, caplog: pytest.LogCaptureFixture
) -> None:
    many = [person(f"n{n}", f"Number {n}") for n in range(3000)]
    huge = person("h", "Number huge", description="x" * 300_000)
    for server in running(require, tmp_path / "s", [organization(), *many, huge]):
        assert len(load(server).search("number")) == 3001
        assert "left out" not in caplog.text
        assert len(load(server, format_columns=None).search("number")) == 3000
        assert "1 entries were too large and left out" in caplog.text


def test_a_long_path_of_temporary_files_does_no_harm(
    server: Slapd, load: Load, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    deep = tmp_path / ("x" * 100)
    deep.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(deep))
    assert uids(load(server).search("bob")) == ["2", "3"]
    assert list(deep.iterdir()) == []


def test_a_server_that_gives_only_some_is_not_taken_for_complete(
    require: Require, tmp_path: Path, load: Load
) -> None:
    many = [person(f"n{n}", f"Number {n}") for n in range(60)]
    for server in running(
        require, tmp_path / "s", [organization(), *many], size_limit="size.prtotal=20 size=20"
    ):
        backend = load(server)
        with pytest.raises(SourceError, match=r"(?i)size") as caught:
            backend.search("number")
        assert caught.value.hint and "more of the name" in caught.value.hint
        assert uids(backend.search("number 59")) == ["n59"]


# ---- who may ask --------------------------------------------------------------------------------


def test_a_wrong_password_is_told_and_never_shown(
    require: Require, tmp_path: Path, load: Load
) -> None:
    for server in running(require, tmp_path / "s", PEOPLE, anonymous="auth"):
        right = load(server, ldap_username=server.admin, ldap_password=PASSWORD)
        assert uids(right.search("bob")) == ["2", "3"]
        wrong = load(server, ldap_username=server.admin, ldap_password="s3cret-and-wrong")
        for _ in range(2):
            with pytest.raises(SourceError, match="does not accept the password") as caught:
                wrong.search("bob")
            assert "s3cret" not in f"{caught.value}{caught.value.hint}{wrong._settings!r}"
        with pytest.raises(SourceError, match="does not accept"):
            wrong.check()
        with pytest.raises(SourceError, match="Insufficient access") as caught:
            load(server).search("bob")
        assert caught.value.hint and "ldap_username" in caught.value.hint


def test_a_check_says_what_does_not_fit(server: Slapd, load: Load) -> None:
    assert load(server).check() == []
    assert load(server, searched_columns=["cn", "mial"]).check() == [
        f"no entry below {server.base!r} has the attribute 'mial'"
    ]
    with pytest.raises(SourceError, match="No such object") as caught:
        load(server, ldap_base_dn="dc=nowhere").check()
    assert caught.value.hint and "ldap_base_dn" in caught.value.hint
    with pytest.raises(SourceError, match=r"(?i)dn"):
        load(server, ldap_base_dn="no dn").check()


# ---- TLS ----------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def secure_server(
    require: Require, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Slapd, Path]]:
    """A server with a certificate of an authority of its own, and the authority's file."""
    folder = tmp_path_factory.mktemp("tls")
    now = time.time()
    authority = Authority.open(folder / "ca", name="tests", now=now)
    issued = authority.issue_server(("127.0.0.1",), now=now, lifetime=86_400)
    tls = Tls(folder / "server.pem", folder / "server.key", folder / "ca/ca.pem")
    save_pair(issued, tls.certificate, tls.key)
    for server in running(require, folder / "slapd", PEOPLE, tls=tls):
        yield server, tls.authority


@pytest.mark.parametrize("start_tls", [False, True], ids=["ldaps", "start_tls"])
def test_tls_trusts_the_authority_that_is_configured_and_no_other(
    secure_server: tuple[Slapd, Path], load: Load, tmp_path: Path, start_tls: bool
) -> None:
    server, authority = secure_server
    own = {"ldap_uri": server.uri if start_tls else server.tls_uri, "ldap_start_tls": start_tls}
    assert uids(load(server, verify_certificate=str(authority), **own).search("bob")) == ["2", "3"]
    assert uids(load(server, verify_certificate=False, **own).search("celine")) == ["1"]
    with pytest.raises(SourceError, match="certificate is not trusted"):
        load(server, **own).search("bob")
    Authority.open(tmp_path / "ca", name="others", now=time.time())
    with pytest.raises(SourceError, match="certificate is not trusted"):
        load(server, verify_certificate=str(tmp_path / "ca/ca.pem"), **own).search("bob")
    with pytest.raises(SourceError, match=r"nowhere\.pem"):
        load(server, verify_certificate="/nowhere.pem", **own).search("bob")
    named = own["ldap_uri"].replace("127.0.0.1", "localhost")
    with pytest.raises(SourceError, match="localhost"):
        load(server, **{**own, "ldap_uri": named, "verify_certificate": str(authority)}).search(
            "b"
        )


def test_a_port_without_tls_and_one_without_ldap_are_told(server: Slapd, load: Load) -> None:
    with pytest.raises(SourceError):
        load(server, ldap_uri=server.uri.replace("ldap:", "ldaps:"), ldap_timeout=5).search("bob")
    with pytest.raises(SourceError, match="does not begin TLS"):
        load(server, ldap_start_tls=True).search("bob")


# ---- when things go wrong -----------------------------------------------------------------------


def test_a_frozen_server_costs_its_time_and_nobody_elses(own_server: Slapd, load: Load) -> None:
    backend = load(own_server, ldap_timeout=2.0, ldap_network_timeout=0.3)
    with contextlib.suppress(SourceError):  # a busy machine may make the first one late
        backend.search("bob")
    own_server.freeze()
    with standstill() as longest:
        for _ in range(2):  # over a kept session, and over a new one
            began = time.monotonic()
            with pytest.raises(SourceError, match="in time"):
                backend.search("bob")
            assert time.monotonic() - began < 30
    assert longest() < 1.5  # the interpreter went on meanwhile
    own_server.thaw()
    assert uids(patiently(backend, "bob")) == ["2", "3"]


def test_a_server_that_is_gone_fails_at_once_and_heals_without_us(
    own_server: Slapd, load: Load
) -> None:
    backend = load(own_server)
    assert uids(backend.search("bob")) == ["2", "3"]
    own_server.stop(9)
    began = time.monotonic()
    with pytest.raises(SourceError, match="cannot be reached"):
        backend.search("bob")
    assert time.monotonic() - began < 30
    own_server.start()
    assert uids(backend.search("bob")) == ["2", "3"]


def test_a_restart_between_two_questions_is_not_seen(own_server: Slapd, load: Load) -> None:
    backend = load(own_server)
    assert uids(backend.search("bob")) == ["2", "3"]
    own_server.stop()
    own_server.start()
    assert uids(backend.search("bob")) == ["2", "3"]


def test_a_server_that_is_not_there_yet_does_not_hinder_the_start(
    require: Require, tmp_path: Path, load: Load
) -> None:
    slapd.require_all(require)
    server = Slapd(tmp_path / "s")
    server.fill(PEOPLE)
    backend = load(server)
    with pytest.raises(SourceError, match="cannot be reached"):
        backend.search("bob")
    try:
        server.start()
        assert uids(backend.search("bob")) == ["2", "3"]
        two = load(server, ldap_uri=f"ldap://127.0.0.1:1 {server.uri}")
        assert uids(two.search("bob")) == ["2", "3"]
    finally:
        server.stop()


def test_many_threads_share_a_few_connections(server: Slapd, load: Load) -> None:
    backend = load(server, ldap_connections=3)
    wrong: list[Any] = []

    def ask() -> None:
        for _ in range(20):
            try:
                found = uids(backend.search("bob"))
            except SourceError as error:
                wrong.append(error)
            else:
                wrong.extend([found] if found != ["2", "3"] else [])

    threads = [threading.Thread(target=ask) for _ in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert wrong == []


@pytest.mark.parametrize(
    "said",
    [b"HTTP/1.1 400 Bad Request\r\n\r\n", b"\x30\x84\xff\xff\xff\xff\x02\x01\x01\x61", b"\x30\x80",
     b"\x30\x00" * 2000, b"0" * 100_000, b"\x30\x05\x02\x01\x01\x61\x00", b""],
    ids=["http", "endless", "indefinite", "empty", "text", "short", "nothing"],
)  # fmt: skip
def test_a_server_that_speaks_something_else_fails_in_time(require: Require, said: bytes) -> None:
    slapd.require_all(require)
    with talking(said) as port:
        backend = LdapBackend()
        backend.load({
            "config": {
                "ldap_uri": f"ldap://127.0.0.1:{port}", "searched_columns": ["cn"],
                "ldap_timeout": 2.0, "ldap_network_timeout": 5,
            }
        })  # fmt: skip
        with standstill() as longest, pytest.raises(SourceError):
            backend.search("bob")
        assert longest() < 1.5
        backend.unload()


def test_nothing_that_a_server_answers_ends_the_process(require: Require) -> None:
    slapd.require_all(require)
    chance = random.Random(7)
    with answering(chance) as port:
        backend = LdapBackend()
        config = {
            "ldap_uri": f"ldap://127.0.0.1:{port}", "searched_columns": ["cn"],
            "ldap_timeout": 0.2, "ldap_network_timeout": 20,
        }  # fmt: skip
        backend.load({"config": config})
        ends = {"found": 0, "refused": 0}
        for _ in range(300):
            try:
                backend.search("bob")
            except SourceError:
                ends["refused"] += 1
            else:
                ends["found"] += 1
        backend.unload()
    assert min(ends.values()) > 0


def test_sessions_that_do_not_come_about_leave_nothing_behind(own_server: Slapd) -> None:
    def failing(count: int) -> int:
        for _ in range(count):
            backend = LdapBackend()
            config = {
                "ldap_uri": own_server.uri, "searched_columns": ["cn"], "ldap_timeout": 0.05,
                "ldap_network_timeout": 20,
            }  # fmt: skip
            backend.load({"config": config})
            with pytest.raises(SourceError):
                backend.search("bob")
            backend.unload()
        gc.collect()
        return len(list(Path("/proc/self/fd").iterdir()))

    own_server.freeze()
    before = failing(2)
    assert failing(20) <= before + 3  # 20 would be 60


def nearly_right(number: int, chance: random.Random) -> bytes:
    """An answer to a search, often damaged."""
    kinds = [
        ldap_messages.entry(number, "uid=1", {"cn": ["Céline Bob", b"\xff"], "uid": ["1"]}),
        ldap_messages.reference(number, "ldap://192.0.2.1/"),
        ldap_messages.bound(number),
    ]
    several = chance.choices(kinds, weights=[8, 2, 1], k=chance.randrange(4))
    data = b"".join(several) + ldap_messages.done(number, chance.choice([0, 0, 4, 10, 32, 51]))
    return ldap_messages.damaged(data, chance) if chance.random() < 0.6 else data


@contextlib.contextmanager
def answering(chance: random.Random) -> Iterator[int]:
    """A server whose answers are nearly right."""

    def answer(link: socket.socket) -> None:
        with link, contextlib.suppress(OSError):
            link.settimeout(20)
            bound = ldap_messages.bound()
            number = 1
            while link.recv(65536):
                if number == 1:
                    link.sendall(
                        ldap_messages.damaged(bound, chance) if chance.random() < 0.2 else bound
                    )
                else:
                    link.sendall(nearly_right(number, chance))
                number += 1

    listener = socket.create_server(("127.0.0.1", 0))
    threads: list[threading.Thread] = []

    def serve() -> None:
        with contextlib.suppress(OSError):
            while True:
                link, _ = listener.accept()
                threads.append(threading.Thread(target=answer, args=(link,), daemon=True))
                threads[-1].start()

    server = threading.Thread(target=serve, daemon=True)
    server.start()
    try:
        yield int(listener.getsockname()[1])
    finally:
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        for thread in (server, *threads):
            thread.join(30)


@contextlib.contextmanager
def talking(said: bytes) -> Iterator[int]:
    """A server that says the same to everybody, and then hangs up only when it said nothing."""
    listener = socket.create_server(("127.0.0.1", 0))
    held: list[socket.socket] = []

    def serve() -> None:
        with contextlib.suppress(OSError):
            while True:
                link, _ = listener.accept()
                held.append(link)
                with contextlib.suppress(OSError):
                    link.sendall(said)
                if not said:
                    link.close()

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    try:
        yield int(listener.getsockname()[1])
    finally:
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        thread.join(10)
        for link in held:
            link.close()


@contextlib.contextmanager
def standstill() -> Iterator[Callable[[], float]]:
    """The longest time, in seconds, for which other threads of this process stood still."""
    longest = 0.0
    done = threading.Event()

    def tick() -> None:
        nonlocal longest
        before = time.monotonic()
        while not done.wait(0.005):
            now = time.monotonic()
            longest = max(longest, now - before)
            before = now

    thread = threading.Thread(target=tick)
    thread.start()
    try:
        yield lambda: longest
    finally:
        done.set()
        thread.join(10)


def patiently(backend: LdapBackend, term: str) -> list[dict[str, Any]]:
    """The answer as soon as there is one."""
    deadline = time.monotonic() + 30
    while True:
        try:
            return backend.search(term)
        except SourceError:
            if time.monotonic() > deadline:
                raise
