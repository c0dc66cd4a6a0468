"""Whatever is sent to favourites, contacts and phonebooks: refused or kept, and never a 500."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from urllib.parse import quote, urlencode

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from support.directory_site import DirectorySite

pytestmark = pytest.mark.integration

#: What databases, CSV, JSON and paths have meanings for.
NASTY = st.text(
    st.one_of(
        st.sampled_from("%_'\"\\;:,|/?#&=.*()[]{}<>\0\n\r\t \x1f\ufeff\u202e"),
        st.characters(exclude_categories=["Cs"]),
    ),
    max_size=30,
)
JSON = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), NASTY),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3), st.dictionaries(NASTY, inner, max_size=3)
    ),
    max_leaves=6,
)
BODIES = st.one_of(JSON, st.dictionaries(NASTY, NASTY, max_size=4))
PARAMS = st.dictionaries(
    st.sampled_from(["search", "order", "direction", "limit", "offset", "format", "term"]),
    st.one_of(NASTY, st.sampled_from(["0", "1", "2", "asc", "desc", "id", "name", "-1"])),
    max_size=4,
)
PATHS = (
    "/personal", "/personal/{}", "/personal/import", "/directories/personal/{}",
    "/directories/favorites/{}", "/directories/favorites/mine/{}", "/directories/favorites/{}/{}",
    "/tenants/{}/phonebooks", "/tenants/sea/phonebooks", "/tenants/sea/phonebooks/{}",
    "/tenants/sea/phonebooks/1/contacts", "/tenants/sea/phonebooks/1/contacts/{}",
    "/tenants/sea/phonebooks/1/contacts/import", "/directories/lookup/default",
)  # fmt: skip


@pytest.fixture
def site(store_url: str) -> Iterator[DirectorySite]:
    with DirectorySite(store_url) as site:
        site.post("/tenants/sea/phonebooks", {"name": "clients"})
        yield site


@settings(
    max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    method=st.sampled_from(["GET", "POST", "PUT", "DELETE"]),
    path=st.sampled_from(PATHS),
    words=st.tuples(NASTY, NASTY),
    body=BODIES,
    params=PARAMS,
)
def test_nothing_that_is_sent_breaks_it(
    site: DirectorySite, method: str, path: str, words: tuple[str, str], body: Any, params: Any
) -> None:
    where = path.format(*(quote(word, safe="") for word in words))
    answer = site.call(method, where, json=body, query_string=urlencode(params))
    assert answer.status in {200, 201, 204, 308, 400, 401, 404, 405, 409}, answer.text


@settings(
    max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(contact=st.dictionaries(NASTY.filter(bool), NASTY, min_size=1, max_size=4), term=NASTY)
def test_what_is_kept_comes_back_and_is_found_by_what_is_in_it(
    site: DirectorySite, contact: dict[str, str], term: str
) -> None:
    contact.pop("id", None)
    if not contact:
        return
    path = "/tenants/sea/phonebooks/1/contacts"
    site.delete("/personal")
    for one in site.get(path).json["items"]:  # of an example that failed
        site.delete(f"{path}/{one['id']}")
    for where in ("/personal", path):
        made = site.post(where, contact)
        assert made.status == 201
        assert made.json == {**contact, "id": made.json["id"]}
        assert site.get(f"{where}/{made.json['id']}").json == made.json
    value = max(contact.values(), key=len)
    found = site.get(path, query_string=urlencode({"search": value})).json
    assert made.json in found["items"] and found["total"] == len(found["items"])
    assert site.get(path, query_string=urlencode({"search": f"{term}\u2603none"})).json == {
        "items": [], "total": 0,
    }  # fmt: skip
    for where in ("/personal", path):
        (one,) = site.get(where).json["items"]
        assert site.delete(f"{where}/{one['id']}").status == 204
