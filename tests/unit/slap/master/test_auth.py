"""Rights and tokens, and that the reference pages know all of it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from pelagos.core.clock import ManualClock
from pelagos.slap import master
from pelagos.slap.errors import AuthenticationError, Unauthorized
from pelagos.slap.master.auth import _ABOUT_NOBODY, RIGHTS, Authenticator, digest_of, permit
from pelagos.slap.master.store import Holder
from support.slap_site import ADMIN, COMPUTER, Site

ROOT = Path(__file__).parents[4]
SOURCES = ROOT / "src/pelagos/slap/master"
AGENT = master.computer(COMPUTER)
INSIDE = master.partition(COMPUTER, "slappart0")


def test_every_call_has_its_rights_and_stands_in_the_reference(site: Site):
    page = (ROOT / "docs/reference/http-api.md").read_text()
    called = set()
    for rule in site.master.app.url_map.iter_rules():
        name = rule.endpoint.partition("-")[2]
        if rule.rule == "/v1/health":
            continue
        # The methods of JSON-RPC ask for the rights of the calls that they stand for.
        called.add("slapos" if name.startswith("slapos.") else name)
        assert re.sub(r"/<.*", "", rule.rule.removeprefix("/")) in page, rule.rule
    stores = {"cache/read", "cache/write"}  # this master has no store, and makes no machines
    machines = {"v1/capacity", "v1/capacity/check", "v1/capacity/make", "v1/machine/remove"}
    assert called | stores | machines == set(RIGHTS)


def test_every_code_of_a_cause_stands_in_the_reference():
    page = (ROOT / "docs/reference/causes.md").read_text()
    known = set(re.findall(r"^\| `([a-z-]+)` \|", page, re.MULTILINE))
    used: set[str] = set()
    for path in SOURCES.rglob("*.py"):
        used |= set(re.findall(r'(?:Cause|plain)\(\s*"([a-z-]+)"', path.read_text()))
    assert len(used) > 10
    assert used <= known


@pytest.mark.parametrize("call", sorted(RIGHTS))
def test_who_may_what(call: str):
    for identity in (ADMIN, AGENT, INSIDE):
        if identity.kind in RIGHTS[call]:
            permit(identity, call, COMPUTER, "slappart0")
        else:
            with pytest.raises(Unauthorized) as caught:
                permit(identity, call, COMPUTER, "slappart0")
            assert caught.value.status == 403


@pytest.mark.parametrize("call", sorted(RIGHTS))
def test_machines_may_nothing_for_others(call: str):
    others = [("COMP-2", "slappart0"), (None, None)]
    for identity in (AGENT, INSIDE):
        for where in others:
            if call in _ABOUT_NOBODY:
                continue
            with pytest.raises(Unauthorized):
                permit(identity, call, *where)
    if not {call} & _ABOUT_NOBODY and not call.endswith("ComputerInformation"):
        with pytest.raises(Unauthorized):
            permit(INSIDE, call, COMPUTER, "slappart1")


def test_a_token_is_looked_up_at_each_call_so_that_a_revoked_one_is_refused_at_once():
    holders = {digest_of("good"): Holder("person", "admin", "operator")}
    door = Authenticator(holders.get, lambda _: None, ManualClock())
    assert door.identify("Bearer good") == master.person("admin")
    assert door.identify("bearer good").is_operator
    holders.clear()
    with pytest.raises(AuthenticationError):
        door.identify("Bearer good")


def test_a_wrong_token_is_never_shown():
    door = Authenticator(lambda _: None, lambda _: None, ManualClock())
    for header in ("Bearer s3cret-guess", "Basic eDpzM2NyZXQtZ3Vlc3M="):
        with pytest.raises(AuthenticationError) as caught:
            door.identify(header)
        assert "s3cret" not in repr(caught.value)
        assert caught.value.hint


def test_names_with_slashes_stay_whole():
    identity = master.partition("site/COMP-1", "slappart0")
    assert (identity.computer_id, identity.partition_id) == ("site/COMP-1", "slappart0")
