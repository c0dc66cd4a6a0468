"""cli: a cloud that says no, is silent, fails or takes its time; its answers are canned."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from pelagos.cli.failures import (
    FAILED,
    NOT_ALLOWED,
    NOT_FOUND,
    NOT_READY,
    UNREACHABLE,
    USAGE,
)
from pelagos.core import wire
from pelagos.core.http import Request, Response

LOGIN = "POST /v3/auth/tokens"
SERVERS = "GET /compute/v2.1/servers"
DETAIL = "GET /compute/v2.1/servers/detail"
UUID = "6123ab4d-d863-4deb-9e76-b2b96a63fea0"


def answer(value: Any, status: int = 200, **headers: str) -> Response:
    return Response(status, {"Content-Type": "application/json", **headers}, wire.encode(value))


def entered() -> Response:
    catalog = [
        {
            "type": "compute", "name": "nova",
            "endpoints": [{"interface": "public", "url": "http://cloud.test/compute/v2.1"}],
        }
    ]  # fmt: skip
    token = {"user": {"id": "u", "name": "ada"}, "catalog": catalog, "expires_at": "2099-01-01"}
    return Response(201, {"X-Subject-Token": "T"}, wire.encode({"token": token}))


def server(**more: Any) -> dict[str, Any]:
    return {"id": UUID, "name": "web", "status": "ACTIVE", "addresses": {}, **more}


@pytest.fixture
def cloud(world: Any) -> Any:
    """A world with a cloud that lets everybody in."""
    world.environ = {
        "OS_AUTH_URL": "http://cloud.test/v3",
        "OS_USERNAME": "ada",
        "OS_PASSWORD": "s3cret",
        "OS_CLOUD_NAME": "work",
    }
    world.routes[LOGIN] = entered()
    world.routes[SERVERS] = answer({"servers": [server()]})
    world.routes[f"{SERVERS}/{UUID}"] = answer({"server": server()})
    return world


def in_turn(*answers: Response) -> Any:
    """Each answer once; the last again and again."""
    left: Iterator[Response] = iter(answers[:-1])
    return lambda _request: next(left, answers[-1])


def test_a_list_asks_once_and_prints_what_the_cloud_says(cloud: Any) -> None:
    cloud.routes[DETAIL] = answer(
        {
            "servers": [
                server(addresses={"lan": [{"addr": "10.0.0.2"}, {"addr": "fd00::2"}]}),
                server(id="2", name="\x1b[31mred", status="ERROR"),
            ]
        }
    )
    ran = cloud.run("server", "list")
    assert ran.code == 0
    assert "10.0.0.2, fd00::2" in ran.out
    assert "\x1b" not in ran.out
    assert [one.method for one in cloud.transport.requests] == ["POST", "GET"]


def test_a_wrong_password_says_where_it_stands(cloud: Any) -> None:
    fault = {
        "error": {"code": 401, "message": "The request you have made requires authentication."}
    }
    cloud.routes[LOGIN] = answer(fault, 401)
    ran = cloud.run("server", "list")
    assert (ran.code, ran.out) == (NOT_ALLOWED, "")
    assert "the cloud work refuses the login" in ran.err
    assert "pelagos cloud check work" in ran.err
    assert "s3cret" not in ran.err


def test_a_cloud_that_is_not_there_is_told_and_no_plane_is_blamed(cloud: Any) -> None:
    del cloud.routes[LOGIN]
    ran = cloud.run("server", "list")
    assert ran.code == UNREACHABLE
    assert "the cloud work: nobody answers at http://cloud.test/v3/auth/tokens" in ran.err
    assert "pelagos up" not in ran.err


def test_no_cloud_says_how_to_add_one(world: Any) -> None:
    ran = world.run("server", "list")
    assert ran.code == USAGE
    assert "no cloud is configured" in ran.err
    assert "pelagos cloud add NAME URL" in ran.err


def test_a_cloud_that_does_not_answer_is_not_to_be_checked_again_and_again(cloud: Any) -> None:
    del cloud.routes[LOGIN]
    ran = cloud.run("cloud", "check")
    assert ran.code == UNREACHABLE
    assert "nobody answers" in ran.err and "see: pelagos cloud check" not in ran.err


def test_a_cloud_that_is_configured_wrongly_is_listed_on_one_line(world: Any) -> None:
    path = world.folder / "own.toml"
    path.write_text('[cloud.named.bad]\nauth_urll = "x"\n')
    world.environ = {"PELAGOS_CONFIG": str(path)}
    ran = world.run("cloud", "list")
    assert ran.code == 0 and "unknown key: auth_urll" in ran.out and "\\n" not in ran.out


@pytest.mark.parametrize(
    ("status", "fault", "code", "said"),
    [
        (
            403,
            {"forbidden": {"message": "Policy says no"}},
            NOT_ALLOWED,
            "refuses: Policy says no",
        ),
        (403, {"forbidden": {"message": "Quota exceeded for cores"}}, FAILED, "no more for you"),
        (409, {"conflictingRequest": {"message": "it is locked"}}, FAILED, "it is locked (409)"),
        (400, {"badRequest": {"message": "bad name"}}, USAGE, "bad name (400)"),
        (500, {"computeFault": {"message": "out of order"}}, FAILED, "out of order (500)"),
    ],
)
def test_a_refusal_is_told_in_the_clouds_words(
    cloud: Any, status: int, fault: Any, code: int, said: str
) -> None:
    cloud.routes[f"POST /compute/v2.1/servers/{UUID}/action"] = answer(fault, status)
    ran = cloud.run("server", "reboot", "web")
    assert ran.code == code
    assert said in ran.err
    assert "Traceback" not in ran.err


def test_an_id_is_asked_for_before_a_name(cloud: Any) -> None:
    assert cloud.run("server", "info", UUID).code == 0
    assert not [one for one in cloud.transport.requests if one.url.endswith("/servers")]


def test_a_name_that_looks_like_an_id_is_found_in_the_list(cloud: Any) -> None:
    cloud.routes[f"{SERVERS}/42"] = answer({"itemNotFound": {"message": "no"}}, 404)
    cloud.routes[SERVERS] = answer({"servers": [server(name="42")]})
    assert cloud.run("server", "info", "42").code == 0
    cloud.routes[SERVERS] = answer({"servers": []})
    assert cloud.run("server", "info", "42").code == NOT_FOUND


def test_a_server_that_fails_ends_the_wait_with_its_fault(cloud: Any) -> None:
    fault = {"message": "No valid host was found.", "code": 500}
    cloud.routes[f"{SERVERS}/{UUID}"] = in_turn(
        answer({"server": server(status="BUILD")}),
        answer({"server": server(status="BUILD", **{"OS-EXT-STS:task_state": "spawning"})}),
        answer({"server": server(status="ERROR", fault=fault)}),
    )
    ran = cloud.run("server", "wait", "web", "--until", "ACTIVE")
    assert ran.code == FAILED
    assert "server web is in ERROR: No valid host was found." in ran.err


def test_a_server_that_goes_away_ends_the_wait(cloud: Any) -> None:
    cloud.routes[f"{SERVERS}/{UUID}"] = in_turn(
        answer({"server": server(status="BUILD")}),
        answer({"server": server(status="BUILD")}),
        answer({"itemNotFound": {"message": "no"}}, 404),
    )
    ran = cloud.run("server", "wait", "web")
    assert ran.code == NOT_FOUND
    assert "server web is gone" in ran.err


def test_a_wait_looks_less_and_less_often(cloud: Any) -> None:
    cloud.routes[f"{SERVERS}/{UUID}"] = answer({"server": server(status="BUILD", progress=40)})
    cloud.is_terminal = True
    ran = cloud.run("server", "wait", "web", "--timeout", "10m")
    assert ran.code == NOT_READY
    assert "server web: BUILD 40 %" in ran.err
    assert "server web is BUILD 40 % after 10 min, not other than BUILD" in ran.err
    looks = [one for one in cloud.transport.requests if one.url.endswith(UUID)]
    assert 200 < len(looks) < 230


def test_several_are_asked_for_before_anything_is_done(cloud: Any) -> None:
    ran = cloud.run("server", "delete", "web", "wbe")
    assert ran.code == NOT_FOUND
    assert not [one for one in cloud.transport.requests if one.method == "DELETE"]


def test_user_data_and_names_go_into_one_request(cloud: Any) -> None:
    sent: list[Any] = []

    def create(request: Request) -> Response:
        sent.append(wire.decode(request.body or b""))
        return answer({"server": {"id": UUID, "adminPass": "pw"}}, 202)

    flavors = {"flavors": [{"id": "1", "name": "small"}, {"id": "2", "name": "large"}]}
    cloud.routes["GET /compute/v2.1/flavors/detail"] = answer(flavors)
    cloud.routes["POST /compute/v2.1/servers"] = create
    cloud.stdin = "#!/bin/sh\n"
    ran = cloud.run(
        "server", "create", "web", "--flavor", "large", "--volume", UUID, "--user-data", "-",
        "--no-network",
    )  # fmt: skip
    assert ran.code == USAGE  # no block storage in this cloud's catalogue
    assert "no service of type volume" in ran.err
    assert sent == []


def test_a_file_is_read_before_a_server_is_made(cloud: Any) -> None:
    words = ("server", "create", "x", "--flavor", "1", "--image", "2", "--personality", "/no/file")
    ran = cloud.run(*words)
    assert ran.code == USAGE
    assert "/no/file" in ran.err


def test_what_is_between_options_excludes_each_other(cloud: Any) -> None:
    for words in (
        ("server", "wait", "web", "--until", "A", "--while", "B"),
        ("server", "info", "web", "--nics", "--volumes"),
        ("server", "delete"),
        ("server", "delete", "web", "--all-named", "w*"),
        ("server", "resize", "web"),
        ("server", "resize", "web", "2", "--revert"),
        ("server", "start"),
        ("volume", "create", "v", "--size", "1", "--image", "a", "--snapshot", "b"),
        ("keypair", "create", "k", "--public-key", "f", "--save", "g"),
        ("image", "create", "i"),
        ("image", "create", "i", "--file", "f", "--empty"),
        ("cloud", "add", "x", "http://x/v3"),
    ):
        ran = cloud.run(*words)
        assert ran.code == USAGE, words
        assert not [one for one in cloud.transport.requests if one.method == "DELETE"]
