"""People, one-time tokens and certificates, by the use cases of a master with an authority."""

from __future__ import annotations

import threading

import pytest

from pelagos.core.certificate import describe, make_request
from pelagos.slap import master
from pelagos.slap.errors import (
    AuthenticationError,
    BadRequest,
    NotFoundError,
    SlapError,
    Unauthorized,
)
from pelagos.slap.master.auth import Kind, Role
from pelagos.slap.master.errors import Conflict
from pelagos.slap.model import InstanceRequest, InstanceState, SupplyState
from support.identity_land import ADMIN, ANN, BOB, DAY, Land
from support.slap_site import Site


@pytest.fixture
def land(tmp_path):
    found = Land(tmp_path)
    yield found
    found.master.close()


# ---- joining ----------------------------------------------------------------------------------


def test_a_one_time_token_is_good_once(land):
    secret, expires = land.service.invite(Kind.COMPUTER, ADMIN, name="COMP-1")
    assert expires == land.clock.time() + DAY
    joined = land.service.join(secret)
    assert (joined.kind, joined.name) == ("computer", "COMP-1")
    assert land.service.identify(joined.token) == master.computer("COMP-1")
    assert joined.token not in repr(joined)
    with pytest.raises(Unauthorized) as caught:
        land.service.join(secret)
    assert caught.value.status == 403
    assert secret not in repr(caught.value)


def test_a_one_time_token_ends(land):
    secret, _ = land.service.invite(Kind.PERSON, ADMIN, name="eve", lifetime=60.0)
    land.clock.advance(60)
    with pytest.raises(Unauthorized):
        land.service.join(secret)


def test_of_many_who_use_one_token_at_once_one_joins(land):
    secret, _ = land.service.invite(Kind.COMPUTER, ADMIN)
    gate, outcome = threading.Barrier(8), []

    def use(number: int) -> None:
        gate.wait()
        try:
            outcome.append(land.service.join(secret, name=f"COMP-{number}").name)
        except Unauthorized:
            outcome.append("")

    threads = [threading.Thread(target=use, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(outcome) == 8
    assert len([name for name in outcome if name]) == 1
    assert len(land.service.computers()) == 1


def test_a_refused_join_does_not_use_up_the_token(land):
    secret, _ = land.service.invite(Kind.COMPUTER, ADMIN)
    with pytest.raises(BadRequest):
        land.service.join(secret)  # without a name
    with pytest.raises(BadRequest):
        land.service.join(secret, name="COMP-1", request="no request")
    assert land.service.computers() == []
    assert land.service.join(secret, name="COMP-1").name == "COMP-1"


def test_a_joining_computer_keeps_its_key_and_gets_a_certificate(land):
    secret, _ = land.service.invite(Kind.COMPUTER, ADMIN, name="COMP-1")
    _, request = make_request("whatever")
    joined = land.service.join(secret, request=request)
    assert joined.certificate is not None
    said = describe(joined.certificate)
    assert (said.common_name, said.unit) == ("COMP-1", "computer")
    assert land.by_certificate(joined.certificate) == master.computer("COMP-1")


def test_joining_again_voids_what_was_before(land):
    _, request = make_request("x")
    secret, _ = land.service.invite(Kind.COMPUTER, ADMIN, name="COMP-1")
    former = land.service.join(secret, request=request)
    with pytest.raises(Conflict) as caught:
        land.service.invite(Kind.COMPUTER, ADMIN, name="COMP-1")
    assert "--again" in (caught.value.hint or "")
    secret, _ = land.service.invite(Kind.COMPUTER, ADMIN, name="COMP-1", again=True)
    assert land.knows(former.token)  # until it joins
    later = land.service.join(secret)
    assert not land.knows(former.token)
    assert land.knows(later.token)
    with pytest.raises(AuthenticationError, match="revoked"):
        land.by_certificate(former.certificate or "")


def test_who_was_never_there_cannot_join_again(land):
    with pytest.raises(NotFoundError):
        land.service.invite(Kind.COMPUTER, ADMIN, name="COMP-1", again=True)


def test_two_tokens_for_one_new_name_let_one_in(land):
    first, second = (land.service.invite(Kind.COMPUTER, ADMIN, name="COMP-1")[0] for _ in range(2))
    land.service.join(first)
    with pytest.raises(Unauthorized):  # void with the first
        land.service.join(second)


def test_tenants_invite_computers_of_their_own_and_no_people(land):
    land.computer("ANNS", ANN)
    with pytest.raises(Unauthorized):
        land.service.invite(Kind.PERSON, ANN, name="eve")
    assert [item.computer_id for item in land.service.computers(ANN)] == ["ANNS"]
    assert land.service.computers(BOB) == []
    with pytest.raises(NotFoundError):
        land.service.computer("ANNS", BOB)
    with pytest.raises(SlapError):
        land.service.invite(Kind.COMPUTER, BOB, name="ANNS", again=True)


# ---- people -----------------------------------------------------------------------------------


def test_a_removed_person_is_refused_at_once(land):
    issued = land.service.generate_certificate(Kind.PERSON, "ann", ANN)
    secret, _ = land.service.invite(Kind.COMPUTER, ANN, name="COMP-1")
    assert land.by_certificate(issued.certificate) == ANN
    assert land.service.remove_person("ann", ADMIN) == 0
    assert not land.knows(land.tokens["ann"])
    with pytest.raises(AuthenticationError):
        land.by_certificate(issued.certificate)
    with pytest.raises(Unauthorized):
        land.service.join(secret)
    assert [item.name for item in land.service.people()] == ["admin", "bob"]
    with pytest.raises(NotFoundError):
        land.service.remove_person("ann", ADMIN)


def test_the_last_operator_stays(land):
    with pytest.raises(Conflict):
        land.service.remove_person("admin", ADMIN)
    with pytest.raises(Conflict):
        land.service.create_person("admin", Role.TENANT)
    land.service.create_person("root")
    land.service.remove_person("admin", master.person("root"))
    assert not land.knows(land.tokens["admin"])


def test_tenants_know_of_no_people_and_remove_none(land):
    assert [item.name for item in land.service.people(ANN)] == ["ann"]
    with pytest.raises(Unauthorized):
        land.service.remove_person("bob", ANN)


# ---- certificates -----------------------------------------------------------------------------


def test_a_certificate_is_issued_once_until_it_is_revoked(land):
    land.computer()
    first = land.service.generate_certificate(Kind.COMPUTER, "COMP-1", ADMIN)
    assert first.key
    with pytest.raises(NotFoundError, match="still active"):
        land.service.generate_certificate(Kind.COMPUTER, "COMP-1", ADMIN)
    assert land.service.revoke_certificate(Kind.COMPUTER, "COMP-1", ADMIN) == 2  # and its token
    with pytest.raises(AuthenticationError, match="revoked"):
        land.by_certificate(first.certificate)
    with pytest.raises(NotFoundError):
        land.service.revoke_certificate(Kind.COMPUTER, "COMP-1", ADMIN)
    second = land.service.generate_certificate(Kind.COMPUTER, "COMP-1", ADMIN)
    assert land.by_certificate(second.certificate) == master.computer("COMP-1")


def test_a_certificate_ends_by_itself(land):
    land.computer()
    issued = land.service.generate_certificate(Kind.COMPUTER, "COMP-1", ADMIN)
    land.clock.advance(91 * DAY)
    with pytest.raises(AuthenticationError, match="has ended") as caught:
        land.by_certificate(issued.certificate)
    assert "pelagos computer add COMP-1 --again" in (caught.value.hint or "")
    land.service.generate_certificate(Kind.COMPUTER, "COMP-1", ADMIN)  # none is active


def test_a_renewed_certificate_holds_on_for_a_day(land):
    land.computer()
    agent = master.computer("COMP-1")
    first = land.service.generate_certificate(Kind.COMPUTER, "COMP-1", ADMIN)
    _, request = make_request("COMP-1")
    second = land.service.renew_certificate(agent, request)
    assert second.key is None
    assert land.by_certificate(first.certificate) == agent
    assert land.by_certificate(second.certificate) == agent
    land.clock.advance(DAY)
    with pytest.raises(AuthenticationError):
        land.by_certificate(first.certificate)
    assert land.by_certificate(second.certificate) == agent


def test_one_certificate_of_many_is_revoked_by_its_number(land):
    first = land.service.generate_certificate(Kind.PERSON, "ann", ANN)
    second = land.service.renew_certificate(ANN)
    with pytest.raises(NotFoundError):
        land.service.revoke_serial(first.serial, BOB)
    land.service.revoke_serial(first.serial, ANN)
    with pytest.raises(AuthenticationError):
        land.by_certificate(first.certificate)
    assert land.by_certificate(second.certificate) == ANN
    assert [item.serial for item in land.service.certificates(BOB)] == []
    assert {item.serial for item in land.service.certificates(ANN)} == {
        first.serial,
        second.serial,
    }


def test_nobody_has_certificates_issued_for_others(land):
    land.computer("ANNS", ANN)
    for kind, name in ((Kind.PERSON, "ann"), (Kind.COMPUTER, "ANNS")):
        with pytest.raises(NotFoundError):
            land.service.generate_certificate(kind, name, BOB)
        with pytest.raises(NotFoundError):
            land.service.revoke_certificate(kind, name, BOB)
    assert land.service.generate_certificate(Kind.COMPUTER, "ANNS", ANN).key
    assert land.service.generate_certificate(Kind.PERSON, "ann", ADMIN).key


def test_an_instance_gets_the_same_certificate_again_until_it_ends(land):
    land.computer()
    agent = master.computer("COMP-1")
    land.service.supply("/a.cfg", "COMP-1", SupplyState.AVAILABLE, ADMIN)
    found = land.service.request(InstanceRequest("db", "/a.cfg"), ANN)
    where = (found.computer_id, found.partition_id)
    pair = land.service.partition_certificate(*where, agent)
    assert "PRIVATE KEY" in pair["key"]
    assert land.service.partition_certificate(*where, master.partition(*where)) == pair
    assert land.service.partition_certificate(*where, ANN) == pair
    with pytest.raises(NotFoundError):
        land.service.partition_certificate(*where, BOB)
    assert land.by_certificate(pair["certificate"]) == master.partition(*where)
    land.clock.advance(61 * DAY)  # a third is left
    later = land.service.partition_certificate(*where, agent)
    assert later["certificate"] != pair["certificate"]
    assert land.by_certificate(pair["certificate"]) == master.partition(*where)
    land.service.set_state("db", InstanceState.DESTROYED, ANN)
    land.service.report_partition(*where, "destroyed", agent)
    for old in (pair, later):
        with pytest.raises(AuthenticationError):
            land.by_certificate(old["certificate"])
    assert land.service.partition_certificate(*where, agent) == {"certificate": "", "key": ""}


# ---- as the ancestor does it ------------------------------------------------------------------


def test_a_computer_is_requested_by_its_title(land):
    first = land.service.request_computer("rack 1", ANN)
    assert first.startswith("COMP-")
    assert land.service.request_computer("rack 1", ANN) == first
    assert land.service.request_computer("rack 1", BOB) != first


def test_a_computer_registers_with_a_one_time_token(land):
    secret = land.service.computer_token(ANN)
    issued = land.service.register_with(secret, "rack 1")
    identity = land.by_certificate(issued.certificate)
    assert identity.name == land.service.request_computer("rack 1", ANN)
    with pytest.raises(Unauthorized):
        land.service.register_with(secret, "rack 2")
    secret = land.service.computer_token(ANN)
    with pytest.raises(Conflict, match=r"^Certificate still active\."):
        land.service.register_with(secret, "rack 1")
    assert land.service.register_with(secret, "rack 2").key  # the refusal did not use it up


def test_no_secret_is_in_the_database(tmp_path):
    land = Land(tmp_path, f"sqlite:///{tmp_path}/master.db")
    secret, _ = land.service.invite(Kind.COMPUTER, ADMIN, name="COMP-1")
    joined = land.service.join(secret)
    land.computer("COMP-2")
    person = land.service.generate_certificate(Kind.PERSON, "ann", ANN)
    unused, _ = land.service.invite(Kind.PERSON, ADMIN, name="eve")
    kept = b"".join(path.read_bytes() for path in tmp_path.glob("master.db*"))
    assert b"COMP-1" in kept
    assert b"PRIVATE KEY" not in kept
    for word in (secret, unused, joined.token, *land.tokens.values()):
        assert word.encode() not in kept
    assert (person.key or "").splitlines()[1].encode() not in kept
    land.master.close()


@pytest.mark.parametrize("name", ["../../x", "a/b", "..", ".", "a\\b"])
def test_a_computer_has_no_name_that_looks_like_a_path(bare: Site, name: str):
    with pytest.raises(BadRequest, match="cannot be the name of a computer"):
        bare.service.register_computer(name)
