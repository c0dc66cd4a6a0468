"""What real Pithos and Astakos servers answered, read through the ancestor's names."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import unquote, urlsplit

import pytest

from pelagos.compat.kamaki.clients import ClientError
from pelagos.compat.kamaki.clients.astakos import (
    AstakosClient,
    CachedAstakosClient,
    OriginalAstakosClient,
)
from pelagos.compat.kamaki.clients.pithos import PithosClient
from pelagos.core.http import Headers, Request, Response
from pelagos.core.http.transports.fake import FakeStream
from support.synnefo_samples import Exchange, exchanges

ALICE = "a11ce000-0000-4000-8000-00000000000a"
BOB = "b0b00000-0000-4000-8000-00000000000b"
CAROL = "ca501000-0000-4000-8000-00000000000c"
PITHOS = "http://127.0.0.1:21102/pithos/object-store/v1"
ASTAKOS = "http://127.0.0.1:21101/astakos/identity/v2.0"


class Recorded:
    """Answers a request as the server did when it was sent the same; each recording once."""

    def __init__(self, *names: str) -> None:
        self._left = [one for name in names for one in exchanges(name, {})]

    def send(self, request: Request) -> Response:
        if "marker=" in request.url:  # what was recorded was all
            return Response(200, Headers(), b"[]")
        found = next((one for one in self._left if _is_same(one, request)), None)
        assert found is not None, f"never recorded: {request.method} {request.url}"
        self._left.remove(found)
        return Response(found.status, Headers(found.headers), found.body.encode("latin-1"))

    def open(self, request: Request) -> FakeStream:
        found = self.send(request)
        return FakeStream(found.status, found.headers, found.body)

    def close(self) -> None:
        """Nothing is held."""


def _is_same(one: Exchange, request: Request) -> bool:
    url, recorded = urlsplit(request.url), urlsplit(one.path)
    return (
        (one.method, unquote(recorded.path)) == (request.method, unquote(url.path))
        and _query(recorded.query, one.method) == _query(url.query, one.method)
        and _json(one.request_body) == _json(request.body)
        and _fields(one) == _fields(request)
    )


def _query(text: str, method: str) -> list[str]:
    said = [one for one in unquote(text).split("&") if one]
    return sorted(one for one in said if method == "GET" or not one.startswith("format"))


def _json(body: Any) -> Any:
    text = (body or b"").strip()
    try:
        return json.loads(text) if text else None
    except ValueError:
        return text


def _fields(sent: Any) -> dict[str, str]:
    is_exchange = isinstance(sent, Exchange)
    headers = sent.request_headers if is_exchange else sent.headers
    path = sent.path if is_exchange else sent.url
    fields = {name.lower(): value for name, value in headers.items()}
    if path.endswith(("/tokens", "/resources")):  # which need none
        fields.pop("x-auth-token", None)
    return {name: value for name, value in fields.items() if name.startswith("x-")}


def pithos(container: str, *names: str, token: str = "TOKEN-OF-ALICE") -> PithosClient:
    return PithosClient(PITHOS, token, ALICE, container, http=Recorded(*names))


def test_an_account_and_its_containers() -> None:
    client = pithos(
        "probe", "01_account_head.http", "02_container_put.http", "03_container_head.http"
    )
    assert client.get_account_info()["x-account-container-count"]
    assert "content-type" in client.create_container() | client.create_container()
    info = client.get_container_info()
    assert (info["x-container-block-size"], info["x-container-block-hash"]) == (
        "4194304",
        "sha256",
    )


def test_objects_and_their_blocks() -> None:
    client = pithos("probe", "11_object_head.http", "12_hashmap_get.http")
    assert client.get_object_info("o")["x-object-version"] == "4"
    found = client.get_object_hashmap("o")
    assert (found["bytes"], found["block_size"], len(found["hashes"])) == (16777220, 4194304, 5)
    assert client.get_object_hashmap("empty")["bytes"] == 0


def test_listings_versions_and_missing_containers() -> None:
    client = pithos("probe3", "30_listing.http", "40_versions.http")
    assert client.list_objects() == []
    assert {"subdir": "a/"} in client.list_objects(delimiter="/")
    assert client.list_containers()
    client.container = "nosuch"
    assert client.list_objects() == []
    client.container = "probe4"
    assert client.get_object_versionlist("v")[0] == [102, "1795269095.755254"]
    with pytest.raises(ClientError) as caught:
        client.object_get("v", format=None, version=999999)
    assert (caught.value.status, caught.value.fault) == (404, "itemNotFound")


def test_groups_sharing_and_publicness() -> None:
    client = pithos("probe3", "32_groups.http", "31_sharing.http", "33_public.http")
    client.set_account_group("Team", [BOB, CAROL])
    client.set_object_sharing("top1", read_permission=[BOB], write_permission=[])
    assert client.get_object_info("top2")["x-object-public"].endswith("mrrJH4XeUJjdszNRYMRHA4")
    other = pithos("probe3", "31_sharing.http", token="TOKEN-OF-BOB")
    with pytest.raises(ClientError) as caught:
        other.object_get("top1", format=None)
    assert (caught.value.status, caught.value.fault) == (403, "forbidden")


def test_who_somebody_is() -> None:
    client = AstakosClient(ASTAKOS, "TOKEN-OF-ALICE", http=Recorded("50_tokens.http"))
    found = client.authenticate()
    assert found["uniq"] == ALICE and found["auth_token"] == "TOKEN-OF-ALICE"
    assert client.get_endpoint_url("compute").endswith("/compute/v2.0")
    assert client.get_endpoint_url("network").endswith("/network/v2.0")
    assert client.get_endpoint_url("image").endswith("/image/v1.0")


def test_names_quotas_and_projects() -> None:
    names = ("50_tokens.http", "51_account.http", "53_projects.http")
    client = CachedAstakosClient(ASTAKOS, "TOKEN-OF-ALICE", http=Recorded(*names))
    assert client.user_term("id") == ALICE
    assert client.uuids2usernames([ALICE, BOB, "nobody"])[BOB] == "bob@example.org"
    assert client.usernames2uuids(["bob@example.org", "x@y"]) == {"bob@example.org": BOB}
    user = client.get_client()
    assert user.get_quotas()[ALICE]["cyclades.vm"]["limit"] == 10
    assert user.get_resources()["cyclades.disk"]["unit"] == "bytes"
    assert user.get_projects()[0]["id"] == ALICE
    with pytest.raises(ClientError) as caught:
        AstakosClient(ASTAKOS, "wrong", http=Recorded(*names)).get_quotas()
    assert (caught.value.status, caught.value.fault) == (401, "unauthorized")


def test_a_service_counts_what_is_used() -> None:
    names = ("50_tokens.http", "51_account.http", "52_commissions.http")
    token = "SERVICE-TOKEN-OF-PITHOS"
    client = OriginalAstakosClient(token, ASTAKOS, http=Recorded(*names))
    provisions = {(ALICE, "pithos.diskspace"): 1000}
    assert client.issue_one_commission(ALICE, provisions, "probe") == 95
    assert client.get_pending_commissions() == [95]
    assert client.get_commission_info(95)["serial"] == 95
    assert client.service_get_quotas(f"{ALICE},{BOB}")[BOB][BOB]["pithos.diskspace"]["usage"] == 12
