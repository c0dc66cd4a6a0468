"""Every back-end of the directory as a source with the same entries."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

import pytest

from pelagos.box import Box
from pelagos.core.web import Server
from pelagos.directory.backends.csv import CsvBackend
from pelagos.directory.backends.csv_ws import CsvWsBackend
from pelagos.directory.backends.ldap.backend import LdapBackend
from pelagos.directory.backends.pbx.conferences import ConferencesBackend
from pelagos.directory.backends.pbx.users import UsersBackend
from pelagos.directory.backends.personal import PersonalBackend
from pelagos.directory.backends.phonebook import PhonebookBackend
from pelagos.directory.folding import fold
from pelagos.directory.settings import SourceSettings
from pelagos.directory.sources import Source
from pelagos.directory.store import DirectoryStore
from pelagos.directory.store.contacts import NewContact
from pelagos.plane.sources.computers import ComputersBackend
from pelagos.plane.sources.instances import InstancesBackend
from pelagos.plane.sources.opennebula import OneHostsBackend, OneVmsBackend
from pelagos.plane.sources.servers import ServersBackend
from pelagos.slap.model import Cause, ComputerStatus, InstanceState, InstanceStatus, Service
from support import nova as novas
from support import pbx as pbxes
from support.require import Require
from support.slapd import Slapd, organization, person, require_all

#: What every back-end is filled with: id, name, address (None: it has none).
ENTRIES = (("1", "Céline", "a:1"), ("2", "bob", None), ("3", "Zoë Bob", "c:3"))

PERSON = "somebody"
#: What comes with each question.
ASKED = {"token": "t", "token_infos": {"xivo_user_uuid": PERSON}, "xivo_user_uuid": PERSON}

Filled = Callable[[pytest.FixtureRequest, Path], contextlib.AbstractContextManager[Source]]
#: How each back-end is filled, by the name by which a configuration calls it.
FILLED: dict[str, Filled] = {}


def filled(*names: str) -> Callable[[Any], Any]:
    """Notes how the back-ends with these names are filled."""

    def note(make: Any) -> Any:
        manager = contextlib.contextmanager(make)
        FILLED.update(dict.fromkeys(names, manager))
        return manager

    return note


def loaded(
    plugin: Any, unique: str, name: str, address: str, own: dict[str, Any], **args: Any
) -> Iterator[Source]:
    """The back-end as a source; it is unloaded after the test."""
    shown = "{" + f"{address}{'[0]' if address == 'extensions' else ''}" + "}"
    config = {
        "searched_columns": [name],
        "first_matched_columns": [address],
        "unique_column": unique,
        "format_columns": {
            "shown": f"{{{name}}} {shown}",
            "name": f"{{{name}}}",
            "address": shown,
        },
        **own,
    }
    plugin.name, plugin.backend = "here", "test"
    settings = SourceSettings("here", "test", config, unique, config["format_columns"])
    source = Source(settings, plugin)
    plugin.load({"config": config, "main_config": {}, "context": {}, "store": None, **args})
    try:
        yield source
    finally:
        plugin.unload()


@filled("csv")
def csv_source(_request: pytest.FixtureRequest, folder: Path) -> Iterator[Source]:
    path = folder / "entries.csv"
    path.write_text(_csv(ENTRIES), encoding="utf-8")
    yield from loaded(CsvBackend(), "id", "name", "address", {"file": str(path)})


def _csv(entries: Any) -> str:
    return "\n".join(["id,name,address", *(",".join(v or "" for v in entry) for entry in entries)])


@filled("csv_ws")
def csv_ws_source(_request: pytest.FixtureRequest, _folder: Path) -> Iterator[Source]:
    def app(environ: dict[str, Any], start: Callable[..., Any]) -> list[bytes]:
        asked = dict(parse_qsl(environ["QUERY_STRING"], keep_blank_values=True))
        found = [
            entry
            for entry in ENTRIES
            if all(
                fold(term) in fold(entry[("id", "name", "address").index(column)] or "")
                for column, term in asked.items()
            )
        ]
        body = _csv(found).encode()
        start("200 OK", [("Content-Type", "text/csv"), ("Content-Length", str(len(body)))])
        return [body]

    server = Server(app)
    server.start()
    try:
        own = {
            "lookup_url": f"{server.url}/lookup",
            "list_url": f"{server.url}/all",
            "timeout": 30,
        }
        yield from loaded(CsvWsBackend(), "id", "name", "address", own)
    finally:
        server.stop()


@filled("ldap")
def ldap_source(request: pytest.FixtureRequest, folder: Path) -> Iterator[Source]:
    require: Require = request.getfixturevalue("require")
    require_all(require)
    server = Slapd(folder / "slapd")
    addresses = [{} if address is None else {"description": address} for _, _, address in ENTRIES]
    people = [person(e[0], e[1], **a) for e, a in zip(ENTRIES, addresses, strict=True)]
    server.fill([organization(), *people])
    try:
        server.start()
        own = {"ldap_uri": server.uri, "ldap_base_dn": server.base}
        slow = {"ldap_timeout": 30, "ldap_network_timeout": 30}
        yield from loaded(LdapBackend(), "uid", "cn", "description", own | slow)
    finally:
        server.stop()


@filled("personal")
def personal_source(_request: pytest.FixtureRequest, folder: Path) -> Iterator[Source]:
    with DirectoryStore(f"sqlite:///{folder}/store.db") as store:
        store.personal(PERSON).add_many(_contacts())
        store.personal("somebody else").add_many([NewContact.of({"name": "bob the other"})])
        yield from loaded(PersonalBackend(), "id", "name", "address", {}, store=store)


@filled("phonebook", "dird_phonebook")
def phonebook_source(_request: pytest.FixtureRequest, folder: Path) -> Iterator[Source]:
    with DirectoryStore(f"sqlite:///{folder}/store.db") as store:
        book = store.phonebooks.create("here", "clients")
        store.phonebook("here", book.id).add_many(_contacts())
        own = {"tenant": "here", "phonebook_name": "clients"}
        yield from loaded(PhonebookBackend(), "id", "name", "address", own, store=store)


def _contacts() -> list[NewContact]:
    return [
        NewContact.of({"name": name} | ({} if address is None else {"address": address}), uuid)
        for uuid, name, address in ENTRIES
    ]


@filled("wazo", "xivo")
def users_source(_request: pytest.FixtureRequest, _folder: Path) -> Iterator[Source]:
    with pbxes.serving() as pbx:
        pbx.users = [pbxes.user(int(i), name, "", address) for i, name, address in ENTRIES]
        own = {"confd_config": pbx.old()}
        yield from loaded(UsersBackend(), "id", "firstname", "exten", own)


@filled("conference")
def conference_source(_request: pytest.FixtureRequest, _folder: Path) -> Iterator[Source]:
    with pbxes.serving(scheme="token") as pbx:
        pbx.conferences = [
            pbxes.conference(int(i), name, [] if address is None else [address], [])
            for i, name, address in ENTRIES
        ]
        yield from loaded(ConferencesBackend(), "id", "name", "extensions", pbx.new())


class _Master:
    def with_token(self, _token: str | None) -> _Master:
        return self

    def services(self) -> list[Service]:
        return [_service(*entry) for entry in ENTRIES]

    def computers(self) -> list[ComputerStatus]:
        return [
            ComputerStatus(name, Cause("ok", address or ""), free_count=int(number))
            for number, name, address in ENTRIES
        ]


def _service(guid: str, reference: str, url: str | None) -> Service:
    return Service(
        reference, guid, "release", "", InstanceState.STARTED, InstanceStatus.STARTED,
        Cause("ok", ""), reference, connection={"url": url} if url else {},
    )  # fmt: skip


@filled("instances")
def instances_source(_request: pytest.FixtureRequest, _folder: Path) -> Iterator[Source]:
    context = {"slap": _Master()}
    yield from loaded(InstancesBackend(), "guid", "reference", "url", {}, context=context)


@filled("computers")
def computers_source(_request: pytest.FixtureRequest, _folder: Path) -> Iterator[Source]:
    context = {"slap": _Master()}
    yield from loaded(ComputersBackend(), "free", "computer", "cause", {}, context=context)


@filled("servers")
def servers_source(_request: pytest.FixtureRequest, folder: Path) -> Iterator[Source]:
    with novas.serving() as nova:
        nova.servers = [
            novas.server(number, name, "10.0.0.1", key_name=address)
            for number, name, address in ENTRIES
        ]
        backend = ServersBackend(nova.environ(folder))
        yield from loaded(backend, "id", "name", "key_name", {"cloud": "work"})


def _one_source(backend: Any, box: Box) -> Iterator[Source]:
    own = {"endpoint": box.one_url, "auth_file": str(box.one.one_auth)}
    yield from loaded(backend, "id", "name", "labels", own)


@filled("one_vms")
def one_vms_source(_request: pytest.FixtureRequest, _folder: Path) -> Iterator[Source]:
    with Box(pace=0) as box:
        call, session = box.one.daemon.call, box.one.session()
        template = "CPU=1\nMEMORY=1\nNAME="
        call("one.vm.allocate", session, f'{template}"of no interest"', True)
        call("one.vm.action", session, "terminate", 0)
        for _, name, address in ENTRIES:
            labels = f'\nLABELS="{address}"' if address else ""
            call("one.vm.allocate", session, f'{template}"{name}"{labels}', True)
        yield from _one_source(OneVmsBackend({}), box)


@filled("one_hosts")
def one_hosts_source(_request: pytest.FixtureRequest, _folder: Path) -> Iterator[Source]:
    with Box(pace=0) as box:
        call, session = box.one.daemon.call, box.one.session()
        call("one.host.delete", session, 0)
        for number, name, address in ENTRIES:
            call("one.host.rename", session, int(number), name)
            if address:
                call("one.host.update", session, int(number), f'LABELS="{address}"', 1)
        yield from _one_source(OneHostsBackend({}), box)
