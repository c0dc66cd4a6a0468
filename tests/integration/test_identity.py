"""Identities over HTTPS: who is let in, what each sees, and that a revoked one is out at once."""

from __future__ import annotations

import concurrent.futures
import logging
import re
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from pelagos.core.certificate import Authority, describe, make_request
from pelagos.core.clock import ManualClock
from pelagos.core.http import ClientTls, HttpClient
from pelagos.core.web import Server
from pelagos.plane.admission import enter
from pelagos.plane.data_folder import DataFolder
from pelagos.plane.https import LIFETIME, ServerCertificate
from pelagos.plane.membership import join
from pelagos.slap import joining, master
from pelagos.slap.client import SlapClient
from pelagos.slap.errors import (
    AuthenticationError,
    MasterUnreachable,
    NotFoundError,
    SlapError,
    Unauthorized,
)
from pelagos.slap.master.auth import Role
from pelagos.slap.model import InstanceRequest, InstanceState, SupplyState
from support.slap_site import announcement

ADMIN = master.person("admin")
ANN, BOB = (master.person(name, Role.TENANT) for name in ("ann", "bob"))
SECRET = "s3cret-of-ann"
TITLE = "ledger-of-ann"
URL = "/srv/a/software.cfg"


class Plane:
    """A master with its own authority behind HTTPS; `further` masters share its database."""

    def __init__(self, path: Path, **settings: Any) -> None:
        self.path = path
        self.folder = DataFolder(path)
        self.folder.create()
        self.authority = Authority.open(self.folder.ca, name="plane", now=time.time())
        self.settings = master.MasterSettings(**settings)
        self.certificate = ServerCertificate(
            self.folder, self.authority, ("127.0.0.1", "localhost")
        )
        self.certificate.see_to()
        self._closing: list[Any] = []
        self.master, self.server = self.another()
        self.service, self.url = self.master.service, self.server.url
        self.tokens = {
            "admin": self.service.create_person("admin"),
            "ann": self.service.create_person("ann", Role.TENANT),
            "bob": self.service.create_person("bob", Role.TENANT),
            "COMP-1": self.service.register_computer("COMP-1"),
        }

    def another(self) -> tuple[master.Master, Server]:
        """One more master on the same database."""
        found = master.Master(
            f"sqlite:///{self.folder.database}", authority=self.authority, settings=self.settings
        )
        server = Server(found.app, threads=4, tls=self.certificate.tls)
        server.start()
        self._closing += [server.stop, found.close]
        return found, server

    def close(self) -> None:
        self.master.end_waiting()
        for close in self._closing:
            close()

    @property
    def trust(self) -> ClientTls:
        return ClientTls(authority=self.folder.ca / "ca.pem")

    def client(self, who: str | None = None, url: str | None = None) -> SlapClient:
        token = self.tokens[who] if who else None
        return SlapClient(url or self.url, token=token, tls=self.trust, timeout=60)

    def certified(self, name: str, issued: Any, url: str | None = None) -> SlapClient:
        """A client that comes with a certificate alone."""
        certificate, key = self.path / f"{name}.pem", self.path / f"{name}.key"
        certificate.write_text(issued.certificate)
        key.write_text(issued.key)
        key.chmod(0o600)
        tls = ClientTls(authority=self.folder.ca / "ca.pem", certificate=certificate, key=key)
        return SlapClient(url or self.url, tls=tls, timeout=60)

    def ledger(self) -> Any:
        """A service of ann with secrets in its parameters, connection and error."""
        self.service.format_computer(announcement(3), master.computer("COMP-1"))
        self.service.supply(URL, "COMP-1", SupplyState.AVAILABLE, ADMIN)
        wish = InstanceRequest(TITLE, URL, parameters={"password": SECRET})
        found = self.service.request(wish, ANN)
        where = (found.computer_id, found.partition_id)
        agent = master.computer("COMP-1")
        self.service.publish(*where, {"url": f"http://x:{SECRET}@h"}, agent)
        self.service.report_partition_error(*where, f"it failed: {SECRET}", agent)
        return found


@pytest.fixture
def plane(tmp_path: Path) -> Iterator[Plane]:
    found = Plane(tmp_path / "data")
    yield found
    found.close()


# ---- who is let in ----------------------------------------------------------------------------


def test_a_certificate_says_who_asks(plane):
    for kind, name in (("person", "ann"), ("computer", "COMP-1")):
        issued = plane.client("admin").issue_certificate(kind, name)
        identity = plane.certified(name, issued).identity()
        assert (identity["kind"], identity["name"]) == (kind, name)


def test_a_token_goes_before_a_certificate(plane):
    issued = plane.client("ann").issue_certificate("person", "ann")
    both = plane.certified("ann", issued).with_token(plane.tokens["bob"])
    assert both.identity()["name"] == "bob"


def test_without_identity_only_joining_is_open(plane):
    nobody = plane.client()
    assert nobody.authority().fingerprint == plane.authority.fingerprint
    for call in (nobody.identity, nobody.people, lambda: list(nobody.services())):
        with pytest.raises(AuthenticationError):
            call()


def test_what_is_revoked_is_refused_at_once_by_every_master(plane):
    _, other = plane.another()
    issued = plane.client("ann").issue_certificate("person", "ann")
    here = plane.certified("ann", issued)
    there = plane.certified("ann", issued, other.url)
    token_there = plane.client("bob", other.url)
    assert here.identity() == there.identity()
    token_there.identity()
    plane.client("ann").revoke_certificate("person", "ann")
    for client in (here, there):
        with pytest.raises(AuthenticationError, match="revoked"):
            client.identity()  # over the very connection that it was good on
    plane.client("admin").remove_person("bob")
    with pytest.raises(AuthenticationError):
        token_there.identity()


def test_a_certificate_that_has_ended_is_refused_and_the_computer_comes_back(tmp_path):
    plane = Plane(tmp_path / "data", certificate_lifetime=1.0)
    try:
        issued = plane.client("admin").issue_certificate("computer", "COMP-1")
        agent = plane.certified("COMP-1", issued)
        time.sleep(1.2)
        with pytest.raises(SlapError) as caught:
            agent.identity()
        assert caught.value.hint
        # The documented step: an operator lets it join again, and it runs one command.
        found = plane.client("admin").invite("computer", "COMP-1", again=True)
        back = DataFolder(tmp_path / "back")
        back.create()
        assert join(back, found.token, None, "COMP-1") == "COMP-1"
        client = SlapClient(plane.url, token=back.node_token(), tls=back.client_tls())
        assert client.identity()["name"] == "COMP-1"
        with pytest.raises(AuthenticationError):
            plane.client("COMP-1").identity()  # its former token
    finally:
        plane.close()


def test_another_authority_is_not_trusted(plane, tmp_path):
    stranger = Authority.open(tmp_path / "other", name="stranger", now=time.time())
    wrong = SlapClient(
        plane.url,
        token=plane.tokens["ann"],
        tls=ClientTls(authority=tmp_path / "other" / "ca.pem"),
        timeout=10,
    )
    with pytest.raises(MasterUnreachable) as caught:
        wrong.identity()
    assert caught.value.hint
    issued = stranger.issue("ann", "person", now=time.time(), lifetime=3600)
    with pytest.raises(SlapError):
        plane.certified("stranger", issued).identity()


def test_a_token_for_another_plane_is_not_used_there(plane, tmp_path):
    token = plane.client("admin").invite("person", "eve").token
    other = Plane(tmp_path / "other")
    try:
        # Whoever stands between shows another authority than the one that the token names.
        read = joining.decode(token)
        moved = joining.JoinToken(other.url, read.secret, read.fingerprint, read.kind)
        with pytest.raises(MasterUnreachable):
            enter(joining.encode(moved), authority=tmp_path / "ca.pem")
        assert not (tmp_path / "ca.pem").exists()
        assert enter(token, authority=tmp_path / "ca.pem").membership.name == "eve"
    finally:
        other.close()


def test_one_time_tokens_are_good_once_also_when_all_come_at_once(plane):
    token = plane.client("admin").invite("computer", "COMP-9").token

    def use(_: int) -> str:
        try:
            return plane.client().join(token.strip()).token
        except Unauthorized:
            return ""

    with concurrent.futures.ThreadPoolExecutor(6) as pool:
        found = [one for one in pool.map(use, range(6)) if one]
    assert len(found) == 1


def test_the_servers_certificate_is_renewed_while_clients_go_on(tmp_path):
    folder = DataFolder(tmp_path / "data")
    folder.create()
    clock = ManualClock(start=time.time())
    authority = Authority.open(folder.ca, name="plane", now=time.time())
    certificate = ServerCertificate(folder, authority, ("127.0.0.1",), clock)
    assert certificate.see_to()
    assert not certificate.see_to()
    first = describe(certificate.tls.certificate.read_text()).serial
    found = master.Master(f"sqlite:///{folder.database}", authority=authority)
    server = Server(found.app, threads=2, tls=certificate.tls)
    server.start()
    try:
        client = HttpClient(server.url, tls=ClientTls(authority=folder.ca / "ca.pem"))
        assert client.request("GET", "v1/health").status == 200
        clock.advance(LIFETIME * 0.7)
        # The real clock is the one that TLS goes by: only the decision is tried here.
        assert not ServerCertificate(folder, authority, ("127.0.0.1",)).see_to()
        assert ServerCertificate(folder, authority, ("127.0.0.1", "localhost")).see_to()
        server.renew_certificate()
        assert client.request("GET", "v1/health").status == 200
        fresh = HttpClient(
            server.url.replace("127.0.0.1", "localhost"),
            tls=ClientTls(authority=folder.ca / "ca.pem"),
        )
        assert fresh.request("GET", "v1/health").status == 200
        assert describe(certificate.tls.certificate.read_text()).serial != first
        assert ServerCertificate(folder, authority, ("127.0.0.1", "localhost"), clock).see_to()
    finally:
        server.stop()
        found.close()


def test_a_client_renews_its_certificate_with_itself(plane):
    issued = plane.client("admin").issue_certificate("computer", "COMP-1")
    agent = plane.certified("COMP-1", issued)
    key, request = make_request("COMP-1")
    later = agent.renew_certificate(request)
    assert later.key is None
    assert agent.identity()["name"] == "COMP-1"  # the former one holds on

    class Pair:
        certificate = later.certificate

    Pair.key = key  # type: ignore[attr-defined]  # the key never left this side
    assert plane.certified("again", Pair).identity()["name"] == "COMP-1"


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("v1/invitations", {"kind": "computer", "nmae": "box"}),
        ("v1/join", {"token": "x", "requst": "y"}),
        ("v1/certificates", {"kind": "person", "name": "ann", "csr": "x"}),
        ("v1/certificates/renew", {"csr": "x"}),
        ("v1/certificates/revoke", {"kind": "person", "name": "ann", "Serial": "1"}),
        ("v1/people/ann/remove", {"destory": True}),
        ("v1/people/ann/hand-over", {"to": "bob", "force": True}),
    ],
)
def test_a_misspelt_key_is_refused_and_nothing_is_done(plane, path, body):
    http = HttpClient(plane.url, tls=plane.trust, timeout=60).with_token(plane.tokens["admin"])
    answer = http.request("POST", path, json=body)
    assert answer.status == 400
    assert list(body)[-1] in answer.text
    assert plane.client("ann").identity()["name"] == "ann"


# ---- who sees what ----------------------------------------------------------------------------


def _reads(plane: Plane, guid: str, partition_id: str) -> Iterator[tuple[str, dict[str, str]]]:
    """Every path that a GET can have and a query for it, with all names that could tell."""
    names = [guid, TITLE, "COMP-1", URL.replace("/", "%2F")]
    query = {
        "computer_id": "COMP-1",
        "computer_partition_id": partition_id,
        "computer_reference": "COMP-1",
        "computer_partition_reference": partition_id,
        "url": URL,
        "limit": "1000",
        "mode": "search",
    }
    for rule in plane.master.app.url_map.iter_rules():
        if "GET" not in (rule.methods or ()):
            continue
        for name in names if "<" in rule.rule else [""]:
            path = re.sub(r"<[^>]*>", name, rule.rule).lstrip("/")
            yield path, query
            if "events" in path:
                yield path, {"subject": guid, "after": "-100"}
                yield path, {"after": "-100"}


def test_a_tenant_reads_nothing_of_another(plane):
    found = plane.ledger()
    http = HttpClient(plane.url, tls=plane.trust, timeout=60)
    ann, bob = (http.with_token(plane.tokens[name]) for name in ("ann", "bob"))
    told: set[str] = set()
    for path, query in _reads(plane, found.guid, found.partition_id):
        answer = bob.request("GET", path, params=query)
        assert answer.status < 500, path
        # What was asked with a name may say that name again.
        for word in {SECRET, TITLE, found.guid} - {path.rpartition("/")[2]}:
            assert word.encode() not in answer.body, path
        if SECRET.encode() in ann.request("GET", path, params=query).body:
            told.add(path)
    owned = {"v1/services", f"v1/services/{TITLE}", "v1/events", "registerComputerPartition"}
    assert owned <= told  # what the owner is told was asked for


def test_a_tenant_changes_nothing_of_another(plane):
    found = plane.ledger()
    where = (found.computer_id, found.partition_id)
    bob = plane.client("bob")
    before = plane.service.service(found.guid)
    attempts = (
        lambda: bob.set_state(found.guid, InstanceState.STOPPED),
        lambda: bob.set_state(TITLE, InstanceState.DESTROYED),
        lambda: bob.rename(found.guid, "mine"),
        lambda: bob.bang_service(found.guid, "wake up"),
        lambda: bob.bang_partition(*where, "wake up"),
        lambda: bob.publish(*where, {"url": "http://bob"}),
        lambda: bob.rename_partition(*where, "mine"),
        lambda: bob.report_partition_error(*where, "broken"),
        lambda: bob.report_partition(*where, "stopped"),
        lambda: bob.supply(URL, "COMP-1", SupplyState.DESTROYED),
        lambda: bob.format_computer(announcement(1)),
        lambda: bob.fetch_computer("COMP-1"),
        lambda: bob.drain("COMP-1"),
        lambda: bob.remove_computer("COMP-1", lost=True),
        lambda: bob.bang_computer("COMP-1"),
        lambda: bob.report_release("COMP-1", URL, "available"),
        lambda: bob.issue_certificate("person", "ann"),
        lambda: bob.revoke_certificate("computer", "COMP-1"),
        lambda: bob.invite("person", "eve"),
        lambda: bob.remove_person("ann"),
        lambda: bob.partition_certificate(*where),
    )
    for number, attempt in enumerate(attempts):
        with pytest.raises(SlapError) as caught:
            attempt()
        assert caught.value.status in {403, 404, 409}, number
        assert SECRET not in str(caught.value)
    assert plane.service.service(found.guid) == before


def test_a_tenant_cannot_make_the_sites_computer_seem_alive(plane):
    with pytest.raises(Unauthorized):
        plane.client("bob").fetch_computer("COMP-1")
    assert plane.client("admin").computer("COMP-1").last_seen is None
    plane.client("COMP-1").fetch_computer("COMP-1")
    assert plane.client("admin").computer("COMP-1").last_seen is not None


def test_two_tenants_have_services_of_one_name(plane):
    plane.ledger()
    bob = plane.client("bob")
    mine = bob.request(InstanceRequest(TITLE, URL))
    assert bob.service(TITLE).guid == mine.guid
    assert plane.client("ann").service(TITLE).guid != mine.guid
    bob.set_state(TITLE, InstanceState.STOPPED)
    assert plane.client("ann").service(TITLE).requested_state is InstanceState.STARTED
    with pytest.raises(SlapError) as caught:
        plane.client("admin").service(TITLE)
    assert caught.value.status == 409
    assert "person:ann, person:bob" in caught.value.message
    assert plane.client("admin").service(mine.guid).guid == mine.guid


def test_an_instance_comes_with_its_own_certificate(plane):
    found = plane.ledger()
    where = (found.computer_id, found.partition_id)
    pair = plane.client("COMP-1").partition_certificate(*where)
    assert plane.client("COMP-1").partition_certificate(*where) == pair

    class Pair:
        certificate, key = pair["certificate"], pair["key"]

    inside = plane.certified("inside", Pair)
    assert inside.identity()["kind"] == "partition"
    assert inside.partition_certificate(*where) == pair
    with pytest.raises(SlapError):
        inside.partition_certificate("COMP-1", "slappart2")
    plane.client("ann").set_state(TITLE, InstanceState.DESTROYED)
    plane.client("COMP-1").report_partition(*where, "destroyed")
    with pytest.raises(AuthenticationError):
        inside.identity()


# ---- secrets ----------------------------------------------------------------------------------


def test_no_key_and_no_token_is_logged_or_kept(plane, caplog):
    caplog.set_level(logging.DEBUG)
    found = plane.ledger()
    admin = plane.client("admin")
    invitation = admin.invite("computer", "COMP-9")
    joined = plane.client().join(invitation.token)
    issued = admin.issue_certificate("person", "ann")
    pair = plane.client("COMP-1").partition_certificate(found.computer_id, found.partition_id)
    with pytest.raises(Unauthorized):
        plane.client().join(invitation.token)
    with pytest.raises(NotFoundError):
        admin.issue_certificate("person", "ann")
    kept = b"".join(path.read_bytes() for path in plane.path.glob("plane.db*"))
    said = caplog.text.encode() + repr((invitation, joined, issued, plane.authority)).encode()
    secret = invitation.token.removeprefix("pelagos-join.")
    words = [*plane.tokens.values(), joined.token, secret, "PRIVATE KEY"]
    words += [key.splitlines()[1] for key in (issued.key or "", pair["key"])]
    for word in words:
        assert word.encode() not in kept, word[:4]
        assert word.encode() not in said, word[:4]


def test_a_tenant_served_by_the_site_learns_nothing_of_its_host(plane):
    plane.service.format_computer(announcement(3), master.computer("COMP-1"))
    plane.service.supply(URL, "COMP-1", SupplyState.AVAILABLE, ADMIN)
    wish = InstanceRequest("site-front", URL, parameters={"password": SECRET})
    host = plane.service.request(wish, ADMIN)
    where = (host.computer_id, host.partition_id)
    plane.service.report_partition_error(*where, f"it failed: {SECRET}", master.computer("COMP-1"))
    bob = plane.client("bob")
    bob.request(InstanceRequest("mine", URL, shared=True))
    http = HttpClient(plane.url, tls=plane.trust, timeout=60).with_token(plane.tokens["bob"])
    for path in (
        "v1/services",
        "v1/services/mine",
        "v1/explain/mine",
        "v1/tree/mine",
        "v1/events",
    ):
        body = http.request("GET", path).body
        assert SECRET.encode() not in body, path
        assert b"site-front" not in body, path
    assert "site-front" in str(plane.client("admin").explain("mine"))


def test_a_tenant_is_not_served_by_another_tenants_host(plane):
    plane.ledger()
    with pytest.raises(NotFoundError):
        plane.client("bob").request(InstanceRequest("mine", URL, shared=True))


# ---- as the ancestor's commands do it ---------------------------------------------------------


def test_a_computer_registers_itself_as_slapos_does(plane):
    http = HttpClient(plane.url, tls=plane.trust, timeout=60)
    ann = http.with_token(plane.tokens["ann"])
    token = ann.request("GET", "computer_module/Base_getComputerToken").json()["access_token"]
    sent = {"headers": {"X-Access-Token": token}, "form": {"title": "rack 1"}}
    answer = http.request("POST", "Person_requestComputer", **sent)
    assert answer.status == 200
    found = answer.json()
    dump = found["certificate"]
    computer_id = dump[dump.index("COMP-") : dump.index("/email")]  # as its command cuts it out
    identity = plane.certified("rack", type("Pair", (), found)).identity()
    assert (identity["kind"], identity["name"]) == ("computer", computer_id)
    assert plane.client("ann").request_computer("rack 1") == computer_id

    used = http.request("POST", "Person_requestComputer", **sent)
    assert used.status == 403
    assert token not in used.text
    sent["headers"] = {
        "X-Access-Token": ann.request("POST", "computer_module/Base_getComputerToken").json()[
            "access_token"
        ]
    }
    taken = http.request("POST", "Person_requestComputer", **sent)
    assert taken.status >= 400
    assert "Certificate still active." in taken.text
    plane.client("ann").revoke_computer_certificate(computer_id)
    taken = http.request("POST", "Person_requestComputer", **sent)
    assert taken.status == 409
    assert "--again" in taken.text
    again = plane.client("ann").invite("computer", computer_id, again=True)
    sent["headers"] = {"X-Access-Token": again.token}
    found = http.request("POST", "Person_requestComputer", **sent).json()
    identity = plane.certified("back", type("Pair", (), found)).identity()
    assert identity["name"] == computer_id


def test_a_person_fetches_a_certificate_as_slapos_does(plane):
    secret, _ = plane.service.invite(master.Kind.PERSON, ADMIN, name="eve")
    http = HttpClient(plane.url, tls=plane.trust, timeout=60)
    sent = {"headers": {"X-Access-Token": secret}, "form": {}}
    found = http.request("POST", "Person_getCertificate", **sent).json()
    assert plane.certified("eve", type("Pair", (), found)).identity()["name"] == "eve"
    assert http.request("POST", "Person_getCertificate", **sent).status == 403
    assert http.request("POST", "Person_getCertificate", form={}).status == 403


def test_slap_generates_and_revokes_a_computers_certificate(plane):
    ann = plane.client("ann")
    mine = ann.request_computer("rack 1")
    pair = ann.computer_certificate(mine)
    identity = plane.certified("rack", type("Pair", (), dict(pair))).identity()
    assert identity["name"] == mine
    with pytest.raises(NotFoundError, match="still active"):
        ann.computer_certificate(mine)
    with pytest.raises(NotFoundError):
        plane.client("bob").computer_certificate(mine)
    ann.revoke_computer_certificate(mine)
    with pytest.raises(NotFoundError):
        ann.revoke_computer_certificate(mine)
