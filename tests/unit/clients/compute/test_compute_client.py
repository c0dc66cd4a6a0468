from __future__ import annotations

import pytest

from pelagos.clients import ClientError
from pelagos.clients.compute import ComputeClient
from pelagos.clients.errors import WrongAnswer
from support.golden import ENDPOINT, Ask, Script


def client(*asks: Ask, dialect: str = "openstack") -> ComputeClient:
    return ComputeClient(ENDPOINT, "token", http=Script(asks), dialect=dialect)  # type: ignore[arg-type]


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
