"""How the library walks through a master's HATEOAS interface."""

from __future__ import annotations

from collections import Counter
from typing import Any
from urllib.parse import urlsplit

import pytest

from pelagos.core import wire
from pelagos.core.http import FakeTransport, HttpClient, Response
from pelagos.slap.client import SlapClient
from pelagos.slap.hateoas import Navigator

HOME = "http://master/hateoas/"


def answer(value: Any) -> Response:
    return Response(200, {"content-type": "application/json"}, wire.encode(value))


@pytest.fixture
def transport() -> FakeTransport:
    links = {
        "self": {"href": HOME},
        "raw_search": {"href": f"{HOME}search{{?query,select_list,limit}}"},
        "traverse": {"href": f"{HOME}traverse{{?relative_url,view}}"},
    }
    row = {"title": "web", "relative_url": "trees/1"}
    view = {"my_title": {"type": "StringField", "default": "web"}}
    return FakeTransport(
        {
            "GET /getHateoasUrl": Response(200, {}, HOME.encode()),
            "GET /hateoas/": answer({"_links": links}),
            "GET /hateoas/search": answer({"_embedded": {"contents": [row]}}),
            "GET /hateoas/traverse": answer(
                {"_links": {"type": {"name": "Tree"}}, "_embedded": {"_view": view}}
            ),
            "GET /hateoas/computer_module/Base_getComputerToken": answer({"access_token": "x"}),
        }
    )


def test_an_operation_asks_once_where_the_interface_is(transport: FakeTransport):
    client = SlapClient("", http=HttpClient("http://master", transport=transport))
    navigator = Navigator(client, None, pytest.fail)
    for number, work in enumerate(
        (lambda: navigator.tree("web"), navigator.trees, navigator.computer_token), 1
    ):
        work()
        asked = Counter(urlsplit(request.url).path for request in transport.requests)
        assert (asked["/getHateoasUrl"], asked["/hateoas/"]) == (number, number)
