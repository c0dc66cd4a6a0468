"""The operator's token in the data folder, and what one-time tokens say of the authority."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from pelagos.core.http import ClientTls
from pelagos.plane.admission import enter
from pelagos.plane.data_folder import DataFolder
from pelagos.plane.events import Announcer
from pelagos.plane.master import MasterProgram
from pelagos.plane.sections import MasterConfig
from pelagos.plane.settings import PlaneSettings
from pelagos.slap import joining
from pelagos.slap.client import SlapClient
from pelagos.slap.master import person


@contextmanager
def running(folder: DataFolder, **settings: str) -> Iterator[MasterProgram]:
    folder.create()
    found = MasterProgram(
        PlaneSettings(folder.path, master=MasterConfig(**settings)),
        folder,
        Announcer("memory:" + uuid.uuid4().hex),
    )
    try:
        yield found
    finally:
        found.stop()


@pytest.fixture
def folder(tmp_path: Path) -> DataFolder:
    return DataFolder(tmp_path / "home")


def test_a_removed_admin_does_not_come_back_by_a_start(folder):
    with running(folder) as program:
        service = program._master.service
        service.create_person("root")
        service.remove_person("admin", person("root"))
    token = folder.token()
    with running(folder) as program:
        service = program._master.service
        assert [one.name for one in service.people()] == ["root"]
        assert folder.token() == token
        assert service.identify(token or "") is None


def test_an_admin_whose_token_was_lost_gets_another_by_a_start(folder):
    with running(folder):
        pass
    (folder.path / "token").unlink()
    with running(folder) as program:
        assert program._master.service.identify(folder.token() or "") == person("admin")


# ---- whom those who join trust ----------------------------------------------------------------


@pytest.mark.parametrize(
    ("settings", "pinned"),
    [
        ({"https": "true"}, True),
        ({"https": "true", "public_url": "https://plane.test", "names": "plane.test"}, True),
        ({"https": "true", "public_url": "https://proxy.test"}, False),
        ({"https": "false", "public_url": "https://proxy.test"}, False),
        ({"https": "false", "public_url": "https://127.0.0.1"}, False),
        ({"https": "false"}, False),
    ],
)
def test_our_authority_is_named_only_where_our_certificate_is_shown(folder, settings, pinned):
    with running(folder, **settings) as program:
        client = SlapClient(program.url, token=folder.token(), tls=folder.client_tls())
        token = joining.decode(client.invite("person", "ann").token)
        client.close()
    assert (token.fingerprint is not None) is pinned
    assert token.url.startswith(settings.get("public_url", program.url))


def test_who_joins_finds_the_authority_in_the_handshake(folder, tmp_path):
    with running(folder, https="true") as program:
        chain = (folder.ca / "server.pem").read_text()
        assert chain.count("BEGIN CERTIFICATE") == 2  # the server's, and the authority's once
        client = SlapClient(program.url, token=folder.token(), tls=folder.client_tls())
        text = client.invite("person", "ann").token
        client.close()
        entered = enter(text, authority=tmp_path / "ca.pem")
        tls = ClientTls(authority=entered.authority)
        assert SlapClient(program.url, token=entered.membership.token, tls=tls).people()
