"""A computer joins a plane elsewhere over HTTPS, renews its certificate, and comes back."""

from __future__ import annotations

import stat
import uuid
from collections.abc import Iterator
from pathlib import Path
from time import time

import pytest

from pelagos.core.errors import PelagosError
from pelagos.plane.data_folder import DataFolder
from pelagos.plane.events import Announcer
from pelagos.plane.master import MasterProgram
from pelagos.plane.membership import (
    IdentityRenewer,
    certificate_of,
    has_used,
    identity_file,
    is_due,
    join,
    member_tls,
)
from pelagos.plane.sections import MasterConfig
from pelagos.plane.settings import PlaneSettings
from pelagos.slap import joining
from pelagos.slap.client import SlapClient
from pelagos.slap.model import ComputerFormat


class Plane:
    """A master that speaks HTTPS, and a data folder of another machine."""

    def __init__(self, folder: Path) -> None:
        self.home = DataFolder(folder / "home")
        self.home.create()
        settings = PlaneSettings(self.home.path, master=MasterConfig(https="true"))
        self.master = MasterProgram(settings, self.home, Announcer("memory:" + uuid.uuid4().hex))
        self.away = DataFolder(folder / "away")
        self.away.create()
        self.person = SlapClient(
            self.master.url, token=self.home.token(), tls=self.home.client_tls(), timeout=10.0
        )

    def token(self, name: str | None = "box", **options: bool) -> str:
        return self.person.invite("computer", name, **options).token

    def join(self, token: str, name: str | None = None) -> str:
        return join(self.away, token, name, "some-host")

    def member(self, now: float | None = None) -> SlapClient:
        tls = member_tls(self.away, time() if now is None else now)
        return SlapClient(self.master.url, tls=tls, timeout=60.0)


@pytest.fixture
def plane(tmp_path: Path) -> Iterator[Plane]:
    made = Plane(tmp_path)
    yield made
    made.person.close()
    made.master.stop()


def test_joining_brings_credentials_that_only_the_owner_can_read(plane: Plane) -> None:
    assert plane.join(plane.token()) == "box"
    for path in (identity_file(plane.away), plane.away.node / "token"):
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert plane.away.endpoints().master_url == plane.master.url
    assert plane.member().identity()["name"] == "box"  # by its certificate alone


def test_a_name_is_sent_where_the_token_says_none(plane: Plane) -> None:
    assert plane.join(plane.token(None), "chosen") == "chosen"


def test_a_token_is_good_once_and_a_refusal_leaves_nothing(plane: Plane, tmp_path: Path) -> None:
    token = plane.token()
    plane.join(token)
    other = DataFolder(tmp_path / "other")
    other.create()
    with pytest.raises(PelagosError, match="has not joined") as caught:
        join(other, token, None, "x")
    assert caught.value.hint
    assert list(other.node.iterdir()) == []
    assert other.endpoints().master_url == ""


def test_another_authority_than_the_tokens_is_refused(plane: Plane) -> None:
    said = joining.decode(plane.token())
    forged = joining.encode(joining.JoinToken(said.url, said.secret, "ab" * 32))
    with pytest.raises(PelagosError, match="has not joined") as caught:
        plane.join(forged)
    assert caught.value.hint
    assert plane.away.node_token() is None
    assert plane.join(joining.encode(said)) == "box"  # it was not used up


def test_behind_a_proxy_the_systems_trust_counts(
    plane: Plane, monkeypatch: pytest.MonkeyPatch
) -> None:
    said = joining.decode(plane.token())
    unpinned = joining.encode(joining.JoinToken(said.url, said.secret))
    with pytest.raises(PelagosError, match="has not joined"):
        plane.join(unpinned)
    monkeypatch.setenv("SSL_CERT_FILE", str(plane.home.ca / "ca.pem"))  # as the system trusts
    assert plane.join(unpinned) == "box"
    assert plane.away.client_tls() is None
    client = SlapClient(plane.master.url, token=plane.away.node_token(), timeout=60.0)
    assert client.identity()["name"] == "box"


def test_a_master_that_does_not_answer_costs_no_token(plane: Plane) -> None:
    said = joining.decode(plane.token())
    nowhere = joining.JoinToken("https://127.0.0.1:1", said.secret, said.fingerprint)
    with pytest.raises(PelagosError, match="has not joined") as caught:
        plane.join(joining.encode(nowhere))
    assert "the token stays good" in (caught.value.hint or "")
    assert plane.join(joining.encode(said)) == "box"


def test_a_certificate_is_renewed_in_time_under_an_open_client(plane: Plane) -> None:
    plane.join(plane.token())
    client = plane.member()
    client.format_computer(ComputerFormat("box", ()))
    before = certificate_of(plane.away)
    assert before is not None
    assert not is_due(before, time())
    late = before.begins + (before.expires - before.begins) * 0.7
    renewer = IdentityRenewer(plane.away, plane.master.url, clock=lambda: late, period=3600.0)
    renewer.stop()  # its first look is at once
    after = certificate_of(plane.away)
    assert after is not None
    assert after.serial != before.serial
    client.close()  # the next connection comes with the new one
    assert client.identity()["name"] == "box"


def test_a_certificate_that_has_ended_is_left_at_home_and_fetched_anew(plane: Plane) -> None:
    plane.join(plane.token())
    before = certificate_of(plane.away)
    assert before is not None
    late = before.expires + 1
    tls = member_tls(plane.away, late)
    assert tls is not None
    assert tls.certificate is None
    renewer = IdentityRenewer(plane.away, plane.master.url, clock=lambda: late, period=3600.0)
    renewer.stop()
    after = certificate_of(plane.away)
    assert after is not None
    assert after.serial != before.serial


def test_a_revoked_computer_is_told_how_to_come_back(plane: Plane) -> None:
    plane.join(plane.token())
    before = certificate_of(plane.away)
    assert before is not None
    plane.join(plane.token(again=True))  # voids the former token and certificate
    assert plane.member().identity()["name"] == "box"
    plane.person.revoke_certificate("computer", "box")
    plane.away.keep_node_token("void")
    late = before.expires + 1e9
    renewer = IdentityRenewer(plane.away, plane.master.url, clock=lambda: 0.0, period=3600.0)
    renewer.stop()
    renewer._clock = lambda: late
    with pytest.raises(PelagosError, match="has ended") as caught:
        renewer.see_to()
    assert "pelagos computer add NAME --again" in (caught.value.hint or "")


def test_a_token_for_another_computer_does_not_take_over_this_ones_partitions(
    plane: Plane,
) -> None:
    plane.join(plane.token())
    with pytest.raises(PelagosError, match="this data folder is that of the computer box"):
        plane.join(plane.token("crate"))
    assert plane.member().identity()["name"] == "box"


def test_a_persons_token_is_refused_before_it_is_used(plane: Plane) -> None:
    token = plane.person.invite("person", "ann").token
    with pytest.raises(PelagosError, match="for a person, not for a computer"):
        plane.join(token)
    assert list(plane.away.node.iterdir()) == []


def test_the_token_that_a_computer_joined_with_is_known_again(plane: Plane) -> None:
    token = plane.token()
    assert not has_used(plane.away, token)
    plane.join(token)
    assert has_used(plane.away, token)
    assert not has_used(plane.away, plane.token(again=True))
    kept = (plane.away.node / "joined.sha256").read_text()
    assert joining.decode(token).secret not in kept


def test_who_ended_while_it_joined_has_not_joined_with_that_token(plane: Plane) -> None:
    first = plane.token()
    plane.join(first)
    own = plane.away.node_token()
    assert own is not None
    (plane.away.node / "token").unlink()  # as if it ended before it wrote the last file
    assert not has_used(plane.away, first)
    plane.away.keep_node_token(own)
    assert has_used(plane.away, first)
    second = plane.token(again=True)
    plane.join(second)
    plane.away.keep_node_token(own)  # the former one, as it is until the last file is written
    assert not has_used(plane.away, second) and not has_used(plane.away, first)


def test_a_mark_of_former_times_is_read(plane: Plane) -> None:
    token = plane.token()
    plane.join(token)
    mark = plane.away.node / "joined.sha256"
    mark.write_text(mark.read_text().split()[0])
    assert has_used(plane.away, token)
