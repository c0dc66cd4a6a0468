"""What ends credentials for good: no way in is left open by a token, a certificate or a name."""

from __future__ import annotations

import pytest

from pelagos.core.certificate import make_request
from pelagos.slap import master
from pelagos.slap.errors import AuthenticationError, NotFoundError, SlapError, Unauthorized
from pelagos.slap.master.auth import Kind, Role
from pelagos.slap.master.errors import Conflict
from pelagos.slap.model import InstanceRequest, SupplyState
from support.identity_land import ADMIN, ANN, BOB, DAY, Land


@pytest.fixture
def land(tmp_path):
    found = Land(tmp_path)
    yield found
    found.master.close()


def _refused(land, *certificates):
    for pem in certificates:
        with pytest.raises(AuthenticationError):
            land.by_certificate(pem)


# ---- one-time tokens --------------------------------------------------------------------------


def test_a_token_without_a_name_takes_no_known_computer_over(land):
    token = land.computer("web1")
    for take in (land.service.register_with, lambda one, name: land.service.join(one, name=name)):
        secret = land.service.computer_token(ADMIN)
        with pytest.raises(Conflict) as caught:
            take(secret, "web1")
        assert "--again" in (caught.value.hint or "")
    assert land.knows(token)
    assert land.service.certificates(ADMIN) == []


def test_registering_again_takes_a_token_for_that_computer_and_voids_the_former(land):
    former = land.computer("web1")
    old = land.service.generate_certificate(Kind.COMPUTER, "web1", ADMIN)
    secret, _ = land.service.invite(Kind.COMPUTER, ADMIN, name="web1", again=True)
    issued = land.service.register_with(secret, "whatever")
    assert land.by_certificate(issued.certificate) == master.computer("web1")
    assert not land.knows(former)
    _refused(land, old.certificate)


def test_a_token_for_a_new_name_lets_nobody_in_who_came_meanwhile(land):
    first, second = (land.service.invite(Kind.COMPUTER, ADMIN, name="box")[0] for _ in range(2))
    land.service.join(first)  # at the very moment of the invitation
    for take in (land.service.join, lambda one: land.service.register_with(one, "box")):
        with pytest.raises(SlapError) as caught:
            take(second)
        assert caught.value.status in {403, 409}


def test_joining_voids_all_other_tokens_for_that_name(land):
    land.computer("box")
    first, second = (
        land.service.invite(Kind.COMPUTER, ADMIN, name="box", again=True)[0] for _ in range(2)
    )
    land.service.join(first)
    with pytest.raises(Unauthorized):
        land.service.join(second)


def _eve(land, role=Role.OPERATOR):
    land.service.create_person("eve", role)
    return master.person("eve", role)


def _secrets_of(land, eve):
    yield land.service.invite(Kind.PERSON, eve, name="backup", role=Role.OPERATOR)[0]
    yield land.service.invite(Kind.COMPUTER, eve)[0]
    yield land.service.invite(Kind.COMPUTER, eve, name="spare")[0]


def test_a_removed_operator_does_not_come_back_by_his_own_invitation(land):
    secrets = list(_secrets_of(land, _eve(land)))
    land.service.remove_person("eve", ADMIN)
    for secret in secrets:
        with pytest.raises(Unauthorized):
            land.service.join(secret, name="any")


def test_a_demoted_operator_keeps_no_invitation(land):
    secrets = list(_secrets_of(land, _eve(land)))
    again, _ = land.service.invite(Kind.PERSON, ADMIN, name="eve", role=Role.OPERATOR, again=True)
    demoting, _ = land.service.invite(Kind.PERSON, ADMIN, name="eve", role=Role.TENANT, again=True)
    land.service.join(demoting)
    for secret in (*secrets, again):
        with pytest.raises(Unauthorized):
            land.service.join(secret, name="any")
    assert {item.name: item.role for item in land.service.people()}["eve"] == "tenant"


def test_who_was_removed_or_demoted_meanwhile_invites_nobody(land):
    eve = _eve(land)  # as she was identified just before
    land.service.create_person("eve", Role.TENANT)
    for _ in range(2):
        with pytest.raises(AuthenticationError):
            land.service.invite(Kind.PERSON, eve, name="backup", role=Role.OPERATOR)
        if "eve" in [item.name for item in land.service.people()]:
            land.service.remove_person("eve", ADMIN)


# ---- revoking ---------------------------------------------------------------------------------


def test_a_stolen_computer_is_stopped_in_one_step(land):
    token = land.computer()
    issued = land.service.generate_certificate(Kind.COMPUTER, "COMP-1", ADMIN)
    again, _ = land.service.invite(Kind.COMPUTER, ADMIN, name="COMP-1", again=True)
    land.service.supply("/a.cfg", "COMP-1", SupplyState.AVAILABLE, ADMIN)
    found = land.service.request(InstanceRequest("db", "/a.cfg"), ANN)
    where = (found.computer_id, found.partition_id)
    inside = land.service.partition_token(*where, master.computer("COMP-1"))
    pair = land.service.partition_certificate(*where, master.computer("COMP-1"))
    land.service.revoke_certificate(Kind.COMPUTER, "COMP-1", ADMIN)
    assert not land.knows(token)
    assert not land.knows(inside)
    _refused(land, issued.certificate, pair["certificate"])
    with pytest.raises(Unauthorized):
        land.service.join(again)
    with pytest.raises(NotFoundError):
        land.service.revoke_certificate(Kind.COMPUTER, "COMP-1", ADMIN)
    land.service.generate_certificate(Kind.COMPUTER, "COMP-1", ADMIN)  # by an operator it is back


def test_a_computer_with_a_certificate_alone_is_stopped_as_well(land):
    issued = land.service.register_with(land.service.computer_token(ANN), "rack")
    name = land.by_certificate(issued.certificate).name
    land.service.revoke_certificate(Kind.COMPUTER, name, ANN)
    with pytest.raises(AuthenticationError):
        land.by_certificate(issued.certificate)


def test_a_computer_with_a_token_alone_is_stopped_as_well(land):
    token = land.computer()
    assert land.service.revoke_certificate(Kind.COMPUTER, "COMP-1", ADMIN) == 1
    assert not land.knows(token)


def test_whose_credentials_ended_meanwhile_renews_nothing(land):
    land.computer()
    agent = master.computer("COMP-1")  # as it was identified just before
    land.service.revoke_certificate(Kind.COMPUTER, "COMP-1", ADMIN)
    with pytest.raises(AuthenticationError):
        land.service.renew_certificate(agent)


def test_one_certificate_by_its_number_leaves_the_token(land):
    token = land.computer()
    issued = land.service.generate_certificate(Kind.COMPUTER, "COMP-1", ADMIN)
    land.service.revoke_serial(issued.serial, ADMIN)
    assert land.knows(token)
    _refused(land, issued.certificate)


def test_a_person_is_blocked_and_stays(land):
    issued = land.service.generate_certificate(Kind.PERSON, "ann", ANN)
    secret, _ = land.service.invite(Kind.PERSON, ADMIN, name="ann", again=True)
    land.service.revoke_certificate(Kind.PERSON, "ann", ADMIN)
    assert not land.knows(land.tokens["ann"])
    _refused(land, issued.certificate)
    with pytest.raises(Unauthorized):
        land.service.join(secret)
    assert "ann" in [item.name for item in land.service.people()]


def test_the_last_operator_does_not_lock_himself_out(land):
    with pytest.raises(Conflict):
        land.service.revoke_certificate(Kind.PERSON, "admin", ADMIN)
    assert land.knows(land.tokens["admin"])


# ---- trimming ---------------------------------------------------------------------------------


def _kept(land):
    with land.service._desk.store.read() as reader:
        return reader.certificates()


def test_certificates_are_forgotten_some_time_after_their_end(land):
    land.computer()
    first = land.service.generate_certificate(Kind.COMPUTER, "COMP-1", ADMIN)
    land.clock.advance(100 * DAY)
    land.service.generate_certificate(Kind.COMPUTER, "COMP-1", ADMIN)
    assert first.serial in {item.serial for item in _kept(land)}
    land.clock.advance(30 * DAY)
    land.service.generate_certificate(Kind.PERSON, "ann", ADMIN)
    assert first.serial not in {item.serial for item in _kept(land)}


def test_renewing_in_a_loop_keeps_few(land):
    land.computer()
    agent = master.computer("COMP-1")
    _, request = make_request("COMP-1")
    for _ in range(20):
        land.clock.advance(1)
        last = land.service.renew_certificate(agent, request)
    assert len(_kept(land)) <= 5
    assert land.by_certificate(last.certificate) == agent


# ---- names ------------------------------------------------------------------------------------


def _rich(land):
    """Ann's service on the site's computer, another on her own; the token of hers."""
    land.computer("SITE")
    land.service.supply("/a.cfg", "SITE", SupplyState.AVAILABLE, ADMIN)
    token = land.computer("ANNS", ANN)
    land.service.supply("/a.cfg", "ANNS", SupplyState.AVAILABLE, ANN)
    for title, where in (("ledger", "SITE"), ("notes", "ANNS")):
        wish = InstanceRequest(title, "/a.cfg", filters={"computer_guid": where})
        assert land.service.request(wish, ANN).computer_id == where
    return token


def test_who_owns_something_is_not_removed_and_nothing_changes(land):
    token = _rich(land)
    with pytest.raises(Conflict, match=r"ledger.*notes.*ANNS") as caught:
        land.service.remove_person("ann", ADMIN)
    assert "hand-over" in (caught.value.hint or "")
    assert "--destroy" in (caught.value.hint or "")
    assert land.knows(land.tokens["ann"])
    assert land.knows(token)


def test_services_and_computers_are_handed_over(land):
    token = _rich(land)
    secret, _ = land.service.invite(Kind.COMPUTER, ANN, name="ANN2")
    land.service.hand_over("ann", "bob", ADMIN)
    for name in ("ledger", "notes"):
        assert land.service.service(name, BOB).reference == name
        with pytest.raises(NotFoundError):
            land.service.service(name, ANN)
    assert "ANNS" in [item.computer_id for item in land.service.computers(BOB)]
    land.service.join(secret)
    assert "ANN2" in [item.computer_id for item in land.service.computers(BOB)]
    assert land.knows(token)  # the machine itself goes on
    wish = InstanceRequest("ledger", "/a.cfg", filters={"computer_guid": "SITE"})
    assert land.service.request(wish, BOB).guid == land.service.service("ledger", BOB).guid
    land.service.remove_person("ann", ADMIN)


def test_names_stay_unique_when_services_are_handed_over(land):
    _rich(land)
    land.service.request(InstanceRequest("ledger", "/a.cfg"), BOB)
    with pytest.raises(Conflict, match="ledger"):
        land.service.hand_over("ann", "bob", ADMIN)
    assert land.service.service("notes", ANN).reference == "notes"


def test_only_operators_hand_over_and_only_to_somebody_who_is_there(land):
    with pytest.raises(Unauthorized):
        land.service.hand_over("bob", "ann", ANN)
    for former, later in (("ann", "nobody"), ("nobody", "ann")):
        with pytest.raises(NotFoundError):
            land.service.hand_over(former, later, ADMIN)
    with pytest.raises(SlapError):
        land.service.hand_over("ann", "ann", ADMIN)


def test_a_host_that_serves_others_does_not_go_to_a_tenant(land):
    _rich(land)
    land.service.create_person("root")
    root = master.person("root")
    land.service.request(InstanceRequest("front", "/a.cfg"), root)
    land.service.request(InstanceRequest("page", "/a.cfg", shared=True), BOB)
    with pytest.raises(Conflict, match="front"):
        land.service.hand_over("root", "ann", ADMIN)
    land.service.hand_over("root", "admin", ADMIN)


def test_removal_with_all_frees_the_name_when_the_last_is_gone(land):
    token = _rich(land)
    issued = land.service.generate_certificate(Kind.PERSON, "ann", ANN)
    assert land.service.remove_person("ann", ADMIN, destroy=True) == 1
    assert not land.knows(land.tokens["ann"])
    assert not land.knows(token)
    _refused(land, issued.certificate)
    anns = land.service.computer("ANNS", ADMIN)
    assert [one.service for one in anns.partitions] == [None, None, None]
    for attempt in (
        lambda: land.service.create_person("ann", Role.TENANT),
        lambda: land.service.invite(Kind.PERSON, ADMIN, name="ann"),
    ):
        with pytest.raises(Conflict, match="ledger"):
            attempt()
    land.service.report_partition("SITE", "slappart0", "destroyed", master.computer("SITE"))
    secret, _ = land.service.invite(Kind.PERSON, ADMIN, name="ann")
    land.service.join(secret)
    assert land.service.services(ANN) == []
    with pytest.raises(Unauthorized):
        land.service.drain("ANNS", False, ANN)  # the site's now
    assert [item for item in _events(land) if "ledger" in item.reference] == []
    with pytest.raises(NotFoundError):
        land.service.explain("ledger", identity=ANN)
    wish = InstanceRequest("new", "/a.cfg")
    assert land.service.request(wish, ANN).computer_id == "SITE"


def _events(land):
    return land.service.events(after=0, identity=ANN)


def test_what_a_person_left_before_can_still_be_handed_over(land):
    _rich(land)
    with land.service._desk.store.change() as writer:  # as former versions did
        writer.remove_person("ann")
    with pytest.raises(Conflict):
        land.service.invite(Kind.PERSON, ADMIN, name="ann")
    land.service.hand_over("ann", "bob", ADMIN)
    land.service.invite(Kind.PERSON, ADMIN, name="ann")
