"""Passcodes, where Keystone is, logins kept between processes, and services beside each other."""

from __future__ import annotations

import json
import stat
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from typing import Any

import pytest

from pelagos.clients.cloud import Cloud, CloudSettings, KnownClouds
from pelagos.clients.cloud.openstack_names import settings_of
from pelagos.clients.cyclades import CycladesComputeClient, CycladesNetworkClient
from pelagos.clients.errors import ClientError, CloudNotConfigured, NotFound, Unauthorized
from pelagos.clients.login.keystone import login_body
from pelagos.core.clock import ManualClock
from pelagos.core.http import FakeTransport, Request, Response

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
NOVA = {
    "type": "compute",
    "name": "nova",
    "endpoints": [{"interface": "public", "url": "http://n/v2.1"}],
}
NEUTRON = {
    "type": "network",
    "name": "neutron",
    "endpoints": [{"interface": "public", "url": "http://q"}],
}


class Keystone:
    """Logs in whoever comes, each time with another token; passcodes count once."""

    def __init__(self, root: str = "", catalog: Any = (NOVA, NEUTRON)) -> None:
        self.logins: list[Any] = []
        self.used: set[str] = set()
        self.good: set[str] = set()
        self.catalog = list(catalog)
        self.fake = FakeTransport(
            {
                f"POST {root}/v3/auth/tokens": self.log_in,
                "GET /v2.1/servers": self.servers,
            }
        )

    def log_in(self, request: Request) -> Response:
        said = json.loads(request.body or b"")["auth"]  # type: ignore[arg-type]  # bytes here
        code = said["identity"].get("totp", {}).get("user", {}).get("passcode")
        if code in self.used:
            return Response(401, {}, b'{"error": {"code": 401, "message": "used"}}')
        self.used.update([code] if code else [])
        self.logins.append(said)
        token = f"t{len(self.logins)}"
        self.good.add(token)
        body = {
            "expires_at": (NOW + timedelta(seconds=3600)).isoformat(),
            "user": {"id": "u1", "name": "ada"},
            "project": {"id": "p1", "name": "engines"},
            "roles": [{"name": "member"}],
            "catalog": self.catalog,
        }
        headers = {"X-Subject-Token": token, "Date": format_datetime(NOW, usegmt=True)}
        return Response(201, headers, json.dumps({"token": body}).encode())

    def servers(self, request: Request) -> Response:
        if request.headers["X-Auth-Token"] not in self.good:
            return Response(401, {}, b"")
        return Response(200, {}, b'{"servers": []}')


def settings(**more: Any) -> CloudSettings:
    return CloudSettings(
        **{"auth_url": "http://k", "username": "ada", "password": "pw", "project_id": "p1", **more}
    )


@pytest.mark.parametrize("status", [400, 401, 500])
@pytest.mark.parametrize(
    "secrets",
    [
        {"password": "SECRET"},
        {"password": None, "token": "SECRET"},
        {"passcode": "SECRET"},
        {"application_credential_id": "a", "application_credential_secret": "SECRET"},
    ],
)
def test_no_error_repeats_what_was_sent_to_log_in(status: int, secrets: dict[str, Any]) -> None:
    def echo(request: Request) -> Response:
        said = json.loads(request.body or b"")  # type: ignore[arg-type]  # bytes here
        error = {"message": f"odd: {said}", "details": str(said), "code": status}
        return Response(status, {}, json.dumps({"error": error}).encode())

    cloud = Cloud(settings=settings(**secrets), http=FakeTransport({"POST /v3/auth/tokens": echo}))
    with pytest.raises(ClientError) as caught:
        cloud.session.token()
    error = caught.value
    told = f"{error} {error!r} {error.args} {error.details} {error.hint}"
    assert "odd" in told and "SECRET" not in told


# ---- passcodes


def test_a_passcode_comes_beside_a_password_or_instead_of_it() -> None:
    both = login_body(settings(passcode="123456"))["identity"]
    assert both["methods"] == ["password", "totp"]
    assert both["totp"]["user"]["passcode"] == "123456"
    alone = login_body(settings(passcode="123456", password=None))["identity"]
    assert alone["methods"] == ["totp"]


@pytest.mark.parametrize(
    ("kind", "methods"),
    [
        ("v3totp", ["totp"]),
        ("v3multifactor", ["password", "totp"]),
        ("v3password", ["password"]),
        ("", ["password", "totp"]),
    ],
)
def test_openstacks_names_of_logins_with_a_passcode(kind: str, methods: list[str]) -> None:
    auth = {"auth_url": "http://k", "username": "a", "password": "p", "passcode": "123456"}
    found = settings_of("x", {"auth_type": kind, "auth": auth}, "clouds.yaml")
    assert login_body(found)["identity"]["methods"] == methods
    assert "123456" not in repr(found)


def test_a_passcode_is_not_given_twice() -> None:
    keystone = Keystone()
    cloud = Cloud(settings=settings(passcode="123456"), http=keystone.fake, clock=ManualClock())
    assert cloud.compute.list_servers() == []
    keystone.good.clear()
    with pytest.raises(Unauthorized):
        cloud.compute.list_servers()
    assert len(keystone.logins) == 1
    again = Cloud(settings=settings(passcode="123456"), http=keystone.fake)
    with pytest.raises(Unauthorized) as caught:
        _ = again.access
    assert "one login only" in (caught.value.hint or "")


# ---- where Keystone's v3 is


def versions(*known: tuple[str, str, str], status: int = 300) -> Response:
    values = [
        {"id": name, "status": state, "links": [{"rel": "self", "href": href}]}
        for name, state, href in known
    ]
    return Response(status, {}, json.dumps({"versions": {"values": values}}).encode())


def test_keystone_is_asked_where_its_v3_is() -> None:
    keystone = Keystone(root="/id")
    keystone.fake.routes["POST /door/v3/auth/tokens"] = Response(404, {}, b"")
    keystone.fake.routes["GET /door/"] = versions(
        ("v2.0", "deprecated", "http://other/id/v2.0/"),
        ("v3.14", "stable", "http://other:35357/id/v3/"),
    )
    cloud = Cloud(settings=settings(auth_url="http://k/door"), http=keystone.fake)
    assert cloud.access.user_name == "ada"
    assert {one.url.split("/")[2] for one in keystone.fake.requests} == {"k"}


@pytest.mark.parametrize(
    "answer",
    [
        versions(("v2.0", "stable", "http://k/v2.0/")),
        versions(),
        Response(200, {}, b'{"version": {"id": "v2.0", "links": 5}}'),
        Response(200, {}, b"[5]"),
        Response(404, {}, b"nothing"),
    ],
)
def test_a_server_without_v3_is_said_so(answer: Response) -> None:
    fake = FakeTransport({"POST /v3/auth/tokens": Response(404, {}, b""), "GET /": answer})
    with pytest.raises(NotFound):
        _ = Cloud(settings=settings(), http=fake).access
    with pytest.raises(NotFound):  # what was configured whole is not looked for elsewhere
        _ = Cloud(settings=settings(auth_url="http://k/v3"), http=fake).access
    assert [one.method for one in fake.requests].count("GET") == 1


# ---- logins that are kept


def keeping(keystone: Keystone, home: Path, clock: ManualClock, **more: Any) -> Cloud:
    return Cloud(
        settings=settings(keep_token=True, **more),
        http=keystone.fake,
        environ={"XDG_CACHE_HOME": str(home)},
        clock=clock,
    )


def test_the_next_process_uses_the_same_login(tmp_path: Path) -> None:
    keystone, clock = Keystone(), ManualClock()
    first = keeping(keystone, tmp_path, clock)
    assert first.compute.list_servers() == []
    (file,) = (tmp_path / "pelagos" / "logins").iterdir()
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert stat.S_IMODE(file.parent.stat().st_mode) == 0o700
    assert b"pw" not in file.read_bytes()
    clock.advance(1800)
    second = keeping(keystone, tmp_path, clock)
    assert second.compute.list_servers() == []
    assert second.access.project_name == "engines" and second.access.roles == ("member",)
    assert second.access.catalogue == first.access.catalogue
    assert len(keystone.logins) == 1
    clock.advance(1795)
    assert keeping(keystone, tmp_path, clock).access.token == "t2"


def test_a_kept_login_that_is_refused_is_made_anew(tmp_path: Path) -> None:
    keystone, clock = Keystone(), ManualClock()
    _ = keeping(keystone, tmp_path, clock).access
    keystone.good.clear()
    assert keeping(keystone, tmp_path, clock).compute.list_servers() == []
    assert keeping(keystone, tmp_path, clock).access.token == "t2"
    assert len(keystone.logins) == 2


def test_another_project_has_another_login(tmp_path: Path) -> None:
    keystone, clock = Keystone(), ManualClock()
    for project in ("p1", "p2", "p1"):
        _ = keeping(keystone, tmp_path, clock, project_id=project).access
    assert len(keystone.logins) == 2


def test_a_passcode_serves_all_processes_until_the_token_ends(tmp_path: Path) -> None:
    keystone, clock = Keystone(), ManualClock()
    for _ in range(2):
        assert keeping(keystone, tmp_path, clock, passcode="123456").compute.list_servers() == []
    assert len(keystone.logins) == 1


@pytest.mark.parametrize(
    "spoil",
    [
        lambda file: file.chmod(0o644),
        lambda file: file.write_bytes(b"{"),
        lambda file: file.write_bytes(b"[]"),
        lambda file: file.write_bytes(b'{"end": "x", "access": {}, "endpoints": []}'),
        lambda file: file.write_bytes(b'{"end": 9e99, "access": {"token": 5}, "endpoints": [{}]}'),
        lambda file: (
            file.rename(file.with_suffix(".x")),
            file.symlink_to(file.with_suffix(".x")),
        ),
    ],
)
def test_a_file_that_others_may_have_made_is_not_believed(
    tmp_path: Path, spoil: Callable[[Path], Any]
) -> None:
    keystone, clock = Keystone(), ManualClock()
    _ = keeping(keystone, tmp_path, clock).access
    (file,) = (tmp_path / "pelagos" / "logins").iterdir()
    spoil(file)
    assert keeping(keystone, tmp_path, clock).access.token == "t2"


def test_a_place_that_cannot_be_written_hinders_nothing(tmp_path: Path) -> None:
    (tmp_path / "pelagos").write_text("a file")
    assert keeping(Keystone(), tmp_path, ManualClock()).compute.list_servers() == []


def test_where_it_is_said_that_logins_are_kept(tmp_path: Path) -> None:
    auth = {"auth_url": "http://k", "username": "a", "password": "p"}
    for said, wanted in ((True, True), (False, False), (None, False)):
        document = {"clouds": {"x": {"auth": auth}}, "cache": {"auth": said}}
        (tmp_path / "clouds.yaml").write_text(json.dumps(document))
        environ = {"OS_CLIENT_CONFIG_FILE": str(tmp_path / "clouds.yaml"), "HOME": str(tmp_path)}
        assert KnownClouds(environ).get("x").keep_token is wanted
    own = tmp_path / "config.toml"
    own.write_text('[cloud.named.y]\nauth_url = "http://k"\ntoken = "t"\nkeep_token = "yes"\n')
    with pytest.raises(CloudNotConfigured, match="keep_token must be true or false"):
        KnownClouds({"PELAGOS_CONFIG": str(own)}).get("y")


# ---- services beside each other


def test_a_client_is_told_where_the_service_beside_it_is() -> None:
    cloud = Cloud(settings=settings(), http=Keystone().fake)
    networks = cloud.client(CycladesNetworkClient)
    assert networks.compute_url == "http://n/v2.1"
    assert cloud.client(CycladesComputeClient).network_url == "http://q/v2.0"
    alone = Cloud(settings=settings(), http=Keystone(catalog=[NEUTRON]).fake)
    assert alone.client(CycladesNetworkClient).compute_url is None
    with pytest.raises(ClientError):
        alone.client(CycladesComputeClient)
