"""Whom the causes name: computers that could do what the hint says."""

from __future__ import annotations

import pytest

from pelagos.slap.errors import BadRequest
from support.slap_site import COMPUTER, URL, Site


def test_a_computer_that_is_awake_is_named_for_a_supply(bare: Site):
    bare.add_computer("A-asleep", 3)
    bare.clock.advance(1000.0)
    bare.add_computer("B-full", 0)
    bare.add_computer("C-good", 2)
    for name in ("B-full", "C-good"):
        bare.service.seen(name)
    assert bare.refusal(url="/new.cfg").hint == "pelagos supply /new.cfg C-good"


def test_a_misspelt_filter_of_a_placed_service_is_refused(site: Site):
    site.supply()
    site.request("web")
    with pytest.raises(BadRequest, match="computer_gid") as caught:
        site.request("web", filters={"computer_gid": COMPUTER})
    assert "computer_guid" in (caught.value.hint or "")
    assert site.service.service("web").filters == {}
    assert site.request("web", filters={"computer_guid": COMPUTER}).guid
    assert site.service.service("web").release_url == URL
