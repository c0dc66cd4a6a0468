"""What a tenant is told of a computer on which others sit, too."""

from __future__ import annotations

from pelagos.slap import master
from pelagos.slap.master.auth import Role
from pelagos.slap.model import InstanceRequest
from support.slap_site import ADMIN, COMPUTER, URL, Site

ANN, BOB = (master.person(name, Role.TENANT) for name in ("ann", "bob"))


def test_anothers_seat_has_no_name_and_no_status(site: Site):
    site.supply()
    site.service.request(InstanceRequest("anns", URL), ANN)
    site.service.request(InstanceRequest("bobs", URL), BOB)
    seen = site.service.computer(COMPUTER, ANN).partitions
    assert [one.service for one in seen] == ["anns", "", None]
    assert [one.status is None for one in seen] == [False, True, True]
    (listed,) = site.service.computers(ANN)
    assert listed.partitions == seen
    assert [one.service for one in site.service.computer(COMPUTER, ADMIN).partitions][:2] == [
        "anns",
        "bobs",
    ]


def test_a_removal_names_nobodys_services(site: Site):
    site.supply()
    site.service.request(InstanceRequest("secret-name", URL), BOB)
    site.supply(state="destroyed")
    (release,) = site.service.releases(ANN)
    told = repr((release, site.service.explain(URL, identity=ANN), site.service.events()[-1]))
    assert "a service still uses it" in release.cause.message
    assert "secret-name" not in told
