from __future__ import annotations

import pytest

from pelagos.clients import ClientError
from pelagos.clients.compute import ComputeClient
from pelagos.clients.errors import BadRequest, NotFound, Unsupported, WrongAnswer
from pelagos.core.clock import ManualClock
from support.golden import ENDPOINT, Ask, Script


def client(*asks: Ask, dialect: str = "openstack") -> ComputeClient:
    made = ComputeClient(ENDPOINT, "token", http=Script(asks), dialect=dialect)  # type: ignore[arg-type]
    made._clock = ManualClock()
    return made


def test_header_fields_that_were_asked_for_are_filled_from_the_first_page() -> None:
    headers = {"next": None, "previous": "kept"}
    found = client(
        Ask(
            "GET /servers?limit=2",
            answer={
                "servers": [{"id": 1}],
                "servers_links": [{"rel": "next", "href": "?marker=1"}],
            },
            answer_headers={"Next": "n"},
        ),
        Ask("GET /servers?limit=2&marker=1", answer={"servers": [{"id": 2}, {"id": 3}]}),
    ).list_servers(limit=2, response_headers=headers)
    assert found == [{"id": 1}, {"id": 2}]
    assert headers == {"next": "n", "previous": "kept"}


def test_where_a_new_server_is_comes_out_by_its_header() -> None:
    headers = {"location": None}
    ask = Ask(
        "POST /servers",
        {"server": {"name": "x", "flavorRef": "f", "imageRef": "i"}},
        answer={"server": {"id": "s"}},
        answer_headers={"Location": "http://c/servers/s"},
        ok=(202,),
    )
    client(ask).create_server("x", "f", "i", response_headers=headers)
    assert headers == {"location": "http://c/servers/s"}


@pytest.mark.parametrize("body", [None, [], {}, {"servers": {}}, {"servers": None}, "x"])
def test_an_answer_of_another_shape_is_an_error(body: object) -> None:
    with pytest.raises(ClientError):
        client(Ask("GET /servers", answer=body if body is not None else 0)).list_servers()


def test_no_id_is_no_server() -> None:
    with pytest.raises(WrongAnswer):
        client(Ask("GET /servers", answer={"servers": []})).get_server_details("")


def test_what_a_family_has_no_word_for_is_refused_before_it_is_sent() -> None:
    with pytest.raises(Unsupported):
        client(dialect="synnefo").attach_port("s1", "p")
    with pytest.raises(Unsupported):
        client(dialect="synnefo").detach_port("s1", "p")
    with pytest.raises(BadRequest):
        client().get_server_console("s1", "teletype")


def server(status: str) -> Ask:
    return Ask("GET /servers/s", answer={"server": {"id": "s", "status": status}})


def test_a_server_is_waited_for_in_either_familys_words() -> None:
    seen: list[str] = []
    asked = client(server("ACTIVE"), server("SHUTOFF"))
    last = asked.wait_server_until("s", "STOPPED", wait_cb=lambda one: seen.append(one["status"]))
    assert last["status"] == "SHUTOFF"
    assert seen == ["ACTIVE", "SHUTOFF"]


def test_a_server_that_failed_is_not_waited_for() -> None:
    assert client(server("BUILD"), server("ERROR")).wait_server_until("s")["status"] == "ERROR"


def test_a_server_is_waited_for_until_it_is_gone() -> None:
    gone = Ask("GET /servers/s", answer={"itemNotFound": {"message": "gone"}}, ok=(404,))
    assert client(server("ACTIVE"), gone).wait_server_until("s", "DELETED")["status"] == "DELETED"


def test_a_server_that_was_gone_before_the_first_look_is_gone() -> None:
    gone = Ask("GET /servers/s", answer={"itemNotFound": {"message": "gone"}}, ok=(404,))
    assert client(gone).wait_server_until("s", "deleted") == {"id": "s", "status": "DELETED"}
    with pytest.raises(NotFound):
        client(gone).wait_server_while("s", "BUILD")


def test_the_last_record_comes_also_when_the_time_is_over() -> None:
    assert client(server("BUILD"), server("BUILD")).wait_server("s", max_wait=2)["id"] == "s"
