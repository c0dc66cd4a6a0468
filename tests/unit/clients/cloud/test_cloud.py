import json
import threading
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

import pytest

from pelagos.clients.base import Client
from pelagos.clients.cloud import Catalogue, Cloud, CloudSettings
from pelagos.clients.errors import ClientError, CloudNotConfigured, Unauthorized, WrongAnswer
from pelagos.clients.login.catalogue import from_astakos, from_keystone
from pelagos.clients.login.keystone import login_body
from pelagos.core.clock import ManualClock
from pelagos.core.http import FakeTransport, Request, Response

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)


class Compute(Client):
    service_type = "compute"
    DEFAULT_API_VERSION = "2.0"


class Volume(Client):
    service_type = "volume"


class Store(Client):
    service_type = "object-store"

    def __init__(self, *args: Any, account: str | None, container: str | None, **more: Any):
        super().__init__(*args, **more)
        self.account, self.container = account, container


def service(kind: str, url: str, region: str = "R", interface: str = "public") -> dict[str, Any]:
    endpoint = {"interface": interface, "region_id": region, "region": region, "url": url}
    return {"type": kind, "name": f"the {kind}", "endpoints": [endpoint]}


CATALOG = [
    service("compute", "http://nova/compute/v2.1"),
    service("block-storage", "http://cinder/v3/p1"),
    service("object-store", "http://swift/v1/AUTH_p1"),
    service("network", "http://neutron"),
    {"type": "broken", "endpoints": [{"url": 5}, "x"]},
    "broken",
]


class Keystone:
    """Answers as Keystone does; each login gives another token."""

    def __init__(self, *, seconds: float = 3600, catalog: Any = CATALOG) -> None:
        self.logins: list[dict[str, Any]] = []
        self.seconds, self.catalog = seconds, catalog
        self.good = {"given"}
        self.fake = FakeTransport(
            {
                "POST /v3/auth/tokens": self.log_in,
                "GET /v3/auth/tokens": self.look_up,
                "GET /compute/v2.1/servers": self.servers,
            }
        )

    def body(self) -> bytes:
        token = {
            "expires_at": (NOW + timedelta(seconds=self.seconds)).isoformat(),
            "user": {"id": "u1", "name": "ada", "domain": {"id": "default"}},
            "project": {"id": "p1", "name": "engines"},
            "roles": [{"name": "member"}, "broken"],
            "catalog": self.catalog,
        }
        return json.dumps({"token": token}).encode()

    def log_in(self, request: Request) -> Response:
        said = json.loads(request.body or b"")  # type: ignore[arg-type]
        user = said["auth"]["identity"].get("password", {}).get("user", {})
        if user.get("password") == "wrong":
            fault = {"error": {"code": 401, "message": "no", "title": "Unauthorized"}}
            return Response(401, {}, json.dumps(fault).encode())
        self.logins.append(said["auth"])
        token = f"t{len(self.logins)}"
        self.good.add(token)
        headers = {"X-Subject-Token": token, "Date": format_datetime(NOW, usegmt=True)}
        return Response(201, headers, self.body())

    def look_up(self, request: Request) -> Response:
        if request.headers["X-Subject-Token"] not in self.good:
            return Response(404, {}, b'{"error": {"code": 404, "message": "gone"}}')
        return Response(200, {"X-Subject-Token": "given"}, self.body())

    def servers(self, request: Request) -> Response:
        if request.headers["X-Auth-Token"] not in self.good:
            return Response(401, {}, b"")
        return Response(200, {}, b'{"servers": []}')


PASSWORD = CloudSettings(
    "http://keystone:5000", username="ada", password="pw", project_name="engines"
)


def cloud_of(
    keystone: Keystone, settings: CloudSettings = PASSWORD, clock: ManualClock | None = None
) -> Cloud:
    return Cloud(settings=settings, http=keystone.fake, clock=clock or ManualClock())


def test_nothing_is_sent_before_something_is_asked():
    keystone = Keystone()
    cloud = cloud_of(keystone)
    assert repr(cloud) == "Cloud('http://keystone:5000')" and keystone.fake.requests == []
    assert cloud.dialect == "openstack"


def test_one_login_serves_all_clients():
    keystone = Keystone()
    cloud = cloud_of(keystone)
    compute, volume = cloud.client(Compute), cloud.client(Volume)
    assert compute.endpoint_url == "http://nova/compute/v2.1"
    assert volume.endpoint_url == "http://cinder/v3/p1"
    assert compute.get("/servers").json == {"servers": []}
    assert keystone.fake.requests[-1].headers["X-Auth-Token"] == "t1"
    assert len(keystone.logins) == 1 and cloud.client(Compute) is compute
    access = cloud.access
    assert (access.user_id, access.project_name, access.roles) == ("u1", "engines", ("member",))
    assert "t1" not in repr(access)


def test_an_account_of_object_storage_is_configured_or_in_the_address():
    store = cloud_of(Keystone()).client(Store)
    assert (store.endpoint_url, store.account) == ("http://swift/v1/AUTH_p1", None)


def test_further_arguments_make_another_client():
    cloud = cloud_of(Keystone())
    assert cloud.client(Store, container="c", account="a").container == "c"
    assert cloud.client(Store).container is None


def test_a_token_is_renewed_before_it_ends():
    keystone, clock = Keystone(seconds=1000), ManualClock()
    cloud = cloud_of(keystone, clock=clock)
    compute = cloud.client(Compute)
    clock.advance(939)
    compute.get("/servers")
    assert len(keystone.logins) == 1
    clock.advance(2)
    compute.get("/servers")
    assert len(keystone.logins) == 2


def test_a_token_that_was_revoked_is_renewed_once_for_all_threads():
    keystone = Keystone()
    compute = cloud_of(keystone).client(Compute)
    compute.get("/servers")
    keystone.good.clear()
    barrier = threading.Barrier(8)

    def ask() -> None:
        barrier.wait()
        compute.get("/servers")

    threads = [threading.Thread(target=ask) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(keystone.logins) == 2


def test_threads_that_come_first_log_in_once():
    keystone = Keystone()
    cloud = cloud_of(keystone)
    made: list[Compute] = []
    threads = [
        threading.Thread(target=lambda: made.append(cloud.client(Compute))) for _ in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(keystone.logins) == 1 and len({id(one) for one in made}) == 1


def test_a_token_that_is_given_is_looked_up_and_not_made_anew():
    keystone = Keystone(seconds=10)
    clock = ManualClock()
    settings = CloudSettings("http://keystone:5000/v3", token="given")
    compute = cloud_of(keystone, settings, clock).client(Compute)
    clock.advance(100)
    compute.get("/servers")
    keystone.good.clear()
    with pytest.raises(Unauthorized):
        compute.get("/servers")
    assert keystone.logins == []


def test_a_token_that_has_ended_is_said_so():
    settings = CloudSettings("http://keystone:5000", token="old")
    with pytest.raises(Unauthorized, match="does not know the token") as caught:
        _ = cloud_of(Keystone(), settings).access
    assert "old" not in str(caught.value)


def test_a_wrong_password_names_the_file():
    settings = CloudSettings(
        "http://keystone:5000", username="a", password="wrong", origin="/x/clouds.yaml"
    )
    with pytest.raises(Unauthorized) as caught:
        _ = cloud_of(Keystone(), settings).access
    assert "/x/clouds.yaml" in (caught.value.hint or "")
    assert "wrong" not in str(caught.value.details) + str(caught.value)


@pytest.mark.parametrize(
    ("settings", "body"),
    [
        (
            {"username": "a", "password": "p", "project_name": "x"},
            {
                "identity": {
                    "methods": ["password"],
                    "password": {
                        "user": {"name": "a", "domain": {"id": "default"}, "password": "p"}
                    },
                },
                "scope": {"project": {"name": "x", "domain": {"id": "default"}}},
            },
        ),
        (
            {
                "user_id": "u",
                "password": "p",
                "project_id": "x",
                "user_domain_name": "ignored",
            },
            {
                "identity": {
                    "methods": ["password"],
                    "password": {"user": {"id": "u", "password": "p"}},
                },
                "scope": {"project": {"id": "x"}},
            },
        ),
        (
            {
                "username": "a",
                "user_domain_name": "U",
                "password": "",
                "project_name": "x",
                "project_domain_id": "d",
            },
            {
                "identity": {
                    "methods": ["password"],
                    "password": {"user": {"name": "a", "domain": {"name": "U"}, "password": ""}},
                },
                "scope": {"project": {"name": "x", "domain": {"id": "d"}}},
            },
        ),
        (
            {"token": "T", "domain_name": "D"},
            {
                "identity": {"methods": ["token"], "token": {"id": "T"}},
                "scope": {"domain": {"name": "D"}},
            },
        ),
        (
            {"username": "a", "password": "p", "system_scope": "all"},
            {
                "identity": {
                    "methods": ["password"],
                    "password": {
                        "user": {"name": "a", "domain": {"id": "default"}, "password": "p"}
                    },
                },
                "scope": {"system": {"all": True}},
            },
        ),
        (
            {
                "application_credential_id": "i",
                "application_credential_secret": "s",
                "project_id": "x",
            },
            {
                "identity": {
                    "methods": ["application_credential"],
                    "application_credential": {"id": "i", "secret": "s"},
                }
            },
        ),
        (
            {
                "application_credential_name": "n",
                "application_credential_secret": "s",
                "username": "a",
            },
            {
                "identity": {
                    "methods": ["application_credential"],
                    "application_credential": {
                        "name": "n",
                        "user": {"name": "a", "domain": {"id": "default"}},
                        "secret": "s",
                    },
                }
            },
        ),
    ],
)
def test_each_way_to_log_in(settings: dict[str, str], body: dict[str, Any]):
    assert login_body(CloudSettings("http://k", **settings)) == body


@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"username": "a"},
        {"password": "p"},
        {"application_credential_id": "i"},
        {"application_credential_name": "n", "application_credential_secret": "s"},
    ],
)
def test_half_a_login_is_refused(settings: dict[str, str]):
    with pytest.raises(CloudNotConfigured):
        login_body(CloudSettings("http://k", **settings))


# ---- the catalogue


REGIONS = from_keystone(
    [
        service("compute", "http://a", "north"),
        service("compute", "http://b", "south"),
        service("compute", "http://c", "north", "internal"),
        service("volumev2", "http://old/v2"),
        service("volumev3", "http://new/v3"),
    ]
)


def test_a_region_and_an_interface_choose():
    assert REGIONS.url("compute", region="south") == "http://b/v2.1"
    assert REGIONS.url("compute", interface="internal") == "http://c/v2.1"


@pytest.mark.parametrize(
    ("how", "said"),
    [
        ({}, "north, south"),
        ({"region": "east"}, "public in north"),
        ({"interface": "admin"}, "internal in north"),
    ],
)
def test_what_is_not_clear_is_said(how: dict[str, str], said: str):
    with pytest.raises(CloudNotConfigured) as caught:
        REGIONS.find("compute", **how)
    assert said in str(caught.value) + (caught.value.hint or "")


def test_block_storage_by_any_of_its_names_but_the_dead_one():
    assert REGIONS.url("volume") == REGIONS.url("block-storage") == "http://new/v3"
    with pytest.raises(CloudNotConfigured):
        from_keystone([service("volumev2", "http://old/v2")]).find("volume")


def test_a_service_that_is_not_there_is_said_with_what_is():
    with pytest.raises(CloudNotConfigured, match="image") as caught:
        REGIONS.find("image")
    assert "compute" in (caught.value.hint or "")


@pytest.mark.parametrize("catalog", [{}, "x", 5])
def test_a_catalogue_that_is_none_is_an_error(catalog: Any):
    with pytest.raises(WrongAnswer):
        from_keystone(catalog)
    with pytest.raises(WrongAnswer):
        from_astakos(catalog)


def test_configured_addresses_go_before_and_get_their_version():
    settings = CloudSettings(
        "http://keystone:5000",
        username="a",
        password="p",
        endpoints={"compute": "http://mine", "block-storage": "http://b/v3"},
    )
    cloud = cloud_of(Keystone(), settings)
    assert cloud.endpoint("compute") == "http://mine/v2.1"
    assert cloud.endpoint("volume") == "http://b/v3"


# ---- Synnefo


def synnefo(token: str | None = "TOKEN") -> tuple[Cloud, FakeTransport]:
    names = [
        ("compute", "cyclades_compute", "http://c/compute/v2.0", "v2.0"),
        ("network", "cyclades_network", "http://c/network", "v2.0"),
        ("object-store", "pithos_object-store", "http://p/object-store/v1", "v1"),
        ("identity", "astakos_identity", "http://a/identity/v2.0", "v2.0"),
    ]
    catalog = [
        {"type": kind, "name": name, "endpoints": [{"publicURL": url, "versionId": version}]}
        for kind, name, url, version in names
    ]
    access = {
        "token": {"id": "TOKEN", "expires": "2036-01-01T00:00:00+00:00", "tenant": {"id": "t1"}},
        "user": {"id": "u1", "name": "Alice"},
        "serviceCatalog": catalog,
    }
    fake = FakeTransport(
        {"POST /identity/v2.0/tokens": Response(200, {}, json.dumps({"access": access}).encode())}
    )
    settings = CloudSettings("http://a/identity/v2.0", token=token)
    return Cloud(settings=settings, http=fake), fake


def test_a_synnefo_is_entered_by_its_token():
    cloud, fake = synnefo()
    assert cloud.dialect == "synnefo"
    assert cloud.endpoint("network") == "http://c/network/v2.0"
    store = cloud.client(Store)
    assert (store.endpoint_url, store.account) == ("http://p/object-store/v1", "u1")
    assert json.loads(fake.requests[0].body or b"") == {  # type: ignore[arg-type]
        "auth": {"token": {"id": "TOKEN"}}
    }
    assert cloud.access.project_id == "t1" and len(fake.requests) == 1


def test_a_synnefo_without_a_token_is_refused():
    with pytest.raises(CloudNotConfigured, match="no token"):
        _ = synnefo(None)[0].access


# ---- answers of somebody else


@pytest.mark.parametrize(
    "answer",
    [
        Response(200, {}, b"<html>"),
        Response(201, {"X-Subject-Token": "t"}, b"[]"),
        Response(201, {}, b'{"token": {}}'),
        Response(201, {"X-Subject-Token": "t"}, b'{"token": 5}'),
        Response(201, {"X-Subject-Token": "t"}, b'{"token": {"catalog": 5}}'),
        Response(302, {"Location": "http://evil/v3/auth/tokens"}, b""),
        Response(500, {}, b"oops"),
    ],
)
def test_a_strange_answer_to_a_login_is_an_error_without_the_password(answer: Response):
    fake = FakeTransport({"POST /v3/auth/tokens": answer})
    with pytest.raises(ClientError) as caught:
        _ = Cloud(settings=PASSWORD, http=fake).access
    assert "pw" not in str(caught.value) and len(fake.requests) == 1


def test_odd_facts_in_a_token_do_no_harm():
    token = {"token": {"expires_at": 5, "user": [], "project": None, "roles": 7, "catalog": None}}
    fake = FakeTransport(
        {
            "POST /v3/auth/tokens": Response(
                201, {"X-Subject-Token": "t"}, json.dumps(token).encode()
            )
        }
    )
    access = Cloud(settings=PASSWORD, http=fake).access
    assert (access.user_id, access.lifetime, access.catalogue) == ("", None, Catalogue())
