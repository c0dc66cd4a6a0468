from __future__ import annotations

import base64
from typing import Any

import pytest

from pelagos.slap.errors import BadRequest, Unauthorized
from pelagos.slap.master import computer, partition, person
from pelagos.slap.master.faces.caller import own_url, requester, rest_url


def basic(text: str) -> str:
    return f"Basic {base64.b64encode(text.encode()).decode()}"


@pytest.mark.parametrize(
    ("environ", "url"),
    [
        ({"HTTP_HOST": "h:1"}, "http://h:1/"),
        ({"HTTP_HOST": "h", "wsgi.url_scheme": "https"}, "https://h/"),
        ({"SERVER_NAME": "s", "SERVER_PORT": "80"}, "http://s:80/"),
        ({"HTTP_HOST": "h", "SCRIPT_NAME": "/a b"}, "http://h/a%20b/"),
        ({"HTTP_HOST": "h", "HTTP_AUTHORIZATION": "Bearer T"}, "http://h/"),
        ({"HTTP_HOST": "h", "HTTP_AUTHORIZATION": basic("x:T@/:")}, "http://x:T%40%2F%3A@h/"),
        ({"HTTP_HOST": "h", "HTTP_AUTHORIZATION": "Basic !"}, "http://h/"),
    ],
)
def test_links_begin_as_the_caller_wrote_the_address(environ: dict[str, Any], url: str):
    assert own_url(environ) == url
    assert rest_url(environ) == f"{url}hateoas/"


NAMED = "computer_id=COMP-1, computer_partition_id=slappart0"


@pytest.mark.parametrize(
    "environ",
    [
        {"HTTP_X_SLAPPARTITION": NAMED},
        {"HTTP_AUTHORIZATION": f"X-SlapPartition {NAMED}"},
    ],
)
def test_a_header_names_the_partition_that_asks(environ: dict[str, str]):
    place = ("COMP-1", "slappart0")
    assert requester(environ, person("admin")) == place
    assert requester(environ, computer("COMP-1")) == place
    assert requester(environ, partition(*place)) == place
    for other in (computer("COMP-2"), partition("COMP-1", "slappart1")):
        with pytest.raises(Unauthorized):
            requester(environ, other)


def test_without_a_header_a_partition_asks_for_itself_and_a_person_too():
    assert requester({}, partition("C", "p")) == ("C", "p")
    assert requester({}, person("admin")) is None
    assert requester({}, computer("C")) is None


@pytest.mark.parametrize(
    "text", ["x", "computer_id=C", "computer_id=C, computer_partition_id=../x", "computer_id=,"]
)
def test_a_header_that_cannot_be_read_is_refused(text: str):
    with pytest.raises(BadRequest, match="the header X-SlapPartition"):
        requester({"HTTP_X_SLAPPARTITION": text}, person("admin"))
