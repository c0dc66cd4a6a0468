"""Rights and tokens, and that the reference pages know all of it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from pelagos.core.clock import ManualClock
from pelagos.slap import master
from pelagos.slap.errors import AuthenticationError, Unauthorized
from pelagos.slap.master.auth import RIGHTS, Authenticator, Identity, Kind, digest_of, permit
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
        called.add(name)
        assert RIGHTS[name]
        assert re.sub(r"/<.*", "", rule.rule.removeprefix("/")) in page, rule.rule
    assert called == set(RIGHTS)


def test_every_code_of_a_cause_stands_in_the_reference():
    page = (ROOT / "docs/reference/causes.md").read_text()
    known = set(re.findall(r"^\| `([a-z-]+)` \|", page, re.MULTILINE))
    used: set[str] = set()
    for path in SOURCES.glob("*.py"):
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
            if call in ("getHateoasUrl", "v1/identity") or "Product" in call:
                continue
            with pytest.raises(Unauthorized):
                permit(identity, call, *where)
    if "FullComputer" not in call and "ComputerInformation" not in call:
        about_nobody = call in ("getHateoasUrl", "v1/identity") or "Product" in call
        if not about_nobody:
            with pytest.raises(Unauthorized):
                permit(INSIDE, call, COMPUTER, "slappart1")


def test_a_checked_token_is_remembered_for_a_while_and_forgotten_at_once():
    clock, asked = ManualClock(), []
    holders = {digest_of("good"): Identity(Kind.PERSON, "admin")}

    def lookup(digest: str) -> Identity | None:
        asked.append(digest)
        return holders.get(digest)

    door = Authenticator(lookup, clock, 5.0)
    for _ in range(3):
        assert door.identify("Bearer good").name == "admin"
    assert len(asked) == 1
    clock.advance(5)
    door.identify("bearer good")
    assert len(asked) == 2
    holders.clear()
    door.identify("Bearer good")
    door.forget()
    with pytest.raises(AuthenticationError):
        door.identify("Bearer good")


def test_a_wrong_token_is_never_shown():
    door = Authenticator(lambda _: None, ManualClock(), 5.0)
    for header in ("Bearer s3cret-guess", "Basic eDpzM2NyZXQtZ3Vlc3M="):
        with pytest.raises(AuthenticationError) as caught:
            door.identify(header)
        assert "s3cret" not in repr(caught.value)
        assert caught.value.hint


def test_names_with_slashes_stay_whole():
    identity = master.partition("site/COMP-1", "slappart0")
    assert (identity.computer_id, identity.partition_id) == ("site/COMP-1", "slappart0")
