from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest

from pelagos.core import wire
from pelagos.core.http import (
    FakeTransport,
    HttpClient,
    HttpProtocolError,
    HttpTimeout,
    Request,
    Response,
)
from pelagos.slap import errors, protocol
from pelagos.slap.client import SlapClient
from pelagos.slap.model import (
    Cause,
    Computer,
    ComputerFormat,
    ComputerStatus,
    Event,
    Explanation,
    InstanceRequest,
    InstanceState,
    InstanceStatus,
    PartitionFormat,
    Release,
    ReleaseOnComputer,
    ReleaseStatus,
    Service,
    ServicePage,
    SupplyState,
)
from support.slap_samples import sample

RELEASE = "/srv/slapos_demo/sr/software.cfg"
CAUSE = Cause("no-partition-free", "all 10 partitions are taken", "add a computer", since=5.0)
SERVICE = Service(
    "db",
    "INST-1",
    "u",
    "default",
    InstanceState.STARTED,
    InstanceStatus.WAITING,
    CAUSE,
    "db",
    connection={"url": "x"},
)
EVENT = Event(7, 1.5, "instance.requested", "INST-1", "db", None, "person:admin", CAUSE)


def connected(transport: FakeTransport) -> SlapClient:
    http = HttpClient("http://master/", token="s3cret", transport=transport)
    return SlapClient("http://master/", http=http)


def answering(status: int, body: bytes = b"", **headers: str) -> Callable[[Request], Response]:
    return lambda _: Response(status, headers, body)


class Everything(FakeTransport):
    """Answers every call alike."""

    def __init__(self, answer: Callable[[Request], Response]) -> None:
        super().__init__()
        self.answer = answer

    def send(self, request: Request) -> Response:
        self.routes[f"{request.method} {urlsplit(request.url).path}"] = self.answer
        return super().send(request)


def master(status: int = 200, body: bytes = b"") -> tuple[SlapClient, FakeTransport]:
    transport = Everything(answering(status, body))
    return connected(transport), transport


def sent(transport: FakeTransport) -> tuple[str, str, dict[str, str]]:
    """Method, call and fields of the one request."""
    (request,) = transport.requests
    url = urlsplit(request.url)
    text = url.query if request.body is None else request.body.decode()
    return request.method, url.path.lstrip("/"), dict(parse_qsl(text, keep_blank_values=True))


# ---- the recorded exchanges ---------------------------------------------------------------------

PLACE = ("local_computer", "slappart0")
BUILD_LOG = sample(21).fields["error_log"]
PUBLISHED = protocol.decode_parameters(sample(69).fields["connection_xml"])

EXCHANGES: dict[int, Callable[[SlapClient], Any]] = {
    3: lambda c: c.supply(RELEASE, "local_computer"),
    17: lambda c: c.request(
        InstanceRequest(
            "inst1",
            RELEASE,
            parameters={"greeting": "hello", "port": "8000"},
            filters={"computer_guid": "local_computer"},
        )
    ),
    19: lambda c: c.fetch_computer("local_computer"),
    20: lambda c: c.report_release("local_computer", RELEASE, "building"),
    21: lambda c: c.report_release_error(
        "local_computer", RELEASE, sample(21).fields["error_log"]
    ),
    25: lambda c: c.report_release("local_computer", RELEASE, "available"),
    68: lambda c: c.fetch_partition(*PLACE),
    80: lambda c: c.report_partition(*PLACE, "started"),
    132: lambda c: c.publish(*PLACE, {"site": "http://a"}, "_sl1"),
    139: lambda c: c.report_partition(*PLACE, "stopped"),
    141: lambda c: c.report_partition_error(*PLACE, "bad", shared_reference="_sl1"),
    142: lambda c: c.bang_partition(*PLACE, sample(142).fields["message"]),
    271: lambda c: c.report_release("local_computer", sample(271).fields["url"], "destroyed"),
}


@pytest.mark.parametrize("number", sorted(EXCHANGES))
def test_calls_send_what_the_real_client_sent_and_read_what_it_got(number: int):
    recorded = sample(number)
    client, transport = master(recorded.status, recorded.body)
    EXCHANGES[number](client)
    assert sent(transport) == (recorded.method, recorded.call, recorded.fields)


def test_the_parameters_of_an_instance_are_published_as_recorded():
    recorded = sample(69)
    client, transport = master(200, recorded.body)
    client.publish(*PLACE, PUBLISHED)
    fields = {name: value for name, value in recorded.fields.items() if value != "None"}
    assert sent(transport) == ("POST", recorded.call, fields)


def test_a_request_is_answered_with_the_instance():
    client, _ = master(200, sample(17).body)
    instance = client.request(InstanceRequest("inst1", RELEASE))
    assert (instance.computer_id, instance.partition_id) == ("local_computer", "slappart0")
    assert instance.guid == "local_computer-slappart0"


def test_a_destroyed_partition_that_must_wait_is_no_error():
    client, transport = master(sample(173).status, sample(173).body)
    client.report_partition(*PLACE, "destroyed")
    [request] = transport.requests
    assert request.url.endswith(sample(173).call)


def test_a_format_reaches_the_master():
    client, transport = master()
    computer = ComputerFormat("COMP-1", (PartitionFormat("slappart0"),))
    client.format_computer(computer)
    assert protocol.decode_format(sent(transport)[2]["xml"]) == computer


# ---- causes, tokens, caching --------------------------------------------------------------------


@pytest.mark.parametrize(
    "report",
    [
        lambda c: c.report_release("C", "u", "building", CAUSE),
        lambda c: c.report_release_error("C", "u", "log", CAUSE),
        lambda c: c.report_partition("C", "p0", "started", CAUSE),
        lambda c: c.report_partition_error("C", "p0", "log", CAUSE),
    ],
)
def test_a_report_carries_its_cause(report: Callable[[SlapClient], None]):
    client, transport = master()
    report(client)
    assert protocol.cause_from_text(sent(transport)[2]["cause"]) == CAUSE


def test_the_token_is_sent_and_never_shown():
    client, transport = master()
    client.supply("u", "C", SupplyState.DESTROYED)
    assert transport.requests[0].headers["Authorization"] == "Bearer s3cret"
    assert "s3cret" not in repr(client) + client.url + repr(transport.requests)


def test_a_token_in_the_address_is_taken_out_of_it():
    assert SlapClient("http://x:s3cret@master:1").url == "http://master:1/"


def test_another_token_asks_the_same_master():
    fake = FakeTransport({"GET /v1/computers": Response(200, {}, b"[]")})
    client = connected(fake)
    other = client.with_token("other")
    assert (other.url, other.computers(), client.computers()) == (client.url, [], [])
    sent = [request.headers["Authorization"] for request in fake.requests]
    assert sent == ["Bearer other", "Bearer s3cret"]


def test_an_unchanged_computer_is_the_same_object_and_not_read_again():
    document = protocol.encode_computer(Computer("C", releases=(Release("u", "C"),)))

    def answer(request: Request) -> Response:
        if request.headers.get("If-None-Match") == '"1"':
            return Response(304, {"ETag": '"1"'}, b"")
        return Response(200, {"ETag": '"1"'}, document)

    transport = Everything(answer)
    client = connected(transport)
    first = client.fetch_computer("C")
    assert client.fetch_computer("C") is first
    assert "If-None-Match" not in transport.requests[0].headers
    assert transport.requests[1].headers["If-None-Match"] == '"1"'


def test_computers_are_remembered_apart():
    def answer(request: Request) -> Response:
        name = dict(parse_qsl(urlsplit(request.url).query))["computer_id"]
        assert "If-None-Match" not in request.headers
        return Response(200, {"ETag": '"1"'}, protocol.encode_computer(Computer(name)))

    client = connected(Everything(answer))
    assert [client.fetch_computer(name).computer_id for name in ("A", "B")] == ["A", "B"]


def test_a_master_without_etags_is_asked_in_full_each_time():
    client, transport = master(200, sample(84).body)
    assert client.fetch_computer("C") == client.fetch_computer("C")
    assert all("If-None-Match" not in request.headers for request in transport.requests)


def test_a_partitions_token_is_handed_over():
    client, transport = master(200, b'{"token": "t1"}')
    assert client.partition_token("C", "p0") == "t1"
    assert transport.requests[0].url == "http://master/v1/partition-token"
    assert wire.decode(transport.requests[0].body or b"") == {
        "computer_id": "C",
        "partition_id": "p0",
    }


def test_a_master_that_gives_no_tokens_gives_none():
    client, _ = master(404, sample(115).body)
    assert client.partition_token("C", "p0") is None


# ---- errors -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("status", "kind", "retry_after"),
    [
        (400, errors.BadRequest, None),
        (401, errors.AuthenticationError, None),
        (403, errors.Unauthorized, None),
        (404, errors.NotFoundError, None),
        (408, errors.ResourceNotReady, 2.0),
        (413, errors.BadRequest, None),
        (429, errors.SlapError, 5.0),
        (302, errors.SlapError, None),
        (500, errors.ServerError, 5.0),
        (503, errors.ServerError, 5.0),
    ],
)
def test_each_status_has_its_error(
    status: int, kind: type[errors.SlapError], retry_after: float | None
):
    client, _ = master(status, b"<html>a foreign master's page</html>")
    with pytest.raises(errors.SlapError) as caught:
        client.supply("u", "C")
    assert type(caught.value) is kind
    assert caught.value.status == status
    assert caught.value.retry_after == retry_after
    assert str(caught.value) == f"the master answered {status} to supplySupply"


def test_the_masters_own_words_are_shown():
    body = b'{"error": {"code": "x", "message": "no computer C", "hint": "see computer list"}}'
    client, _ = master(404, body)
    with pytest.raises(errors.NotFoundError, match="no computer C") as caught:
        client.fetch_computer("C")
    assert caught.value.hint == "see computer list"


def test_a_request_that_waits_says_why():
    error = {"code": CAUSE.code, "message": CAUSE.message, "hint": None}
    client, _ = master(408, wire.encode({"error": error, "cause": CAUSE}))
    with pytest.raises(errors.ResourceNotReady) as caught:
        client.request(InstanceRequest("db", "u"))
    assert caught.value.cause == CAUSE


@pytest.mark.parametrize("body", [b"", b"[]", b'{"error": "x"}', b'{"cause": {"code": 5}}'])
def test_an_odd_error_body_is_no_further_error(body: bytes):
    client, _ = master(408, body)
    with pytest.raises(errors.ResourceNotReady) as caught:
        client.request(InstanceRequest("db", "u"))
    assert caught.value.cause is None


def test_the_master_may_say_when_to_come_again():
    client = connected(Everything(answering(503, **{"Retry-After": "30"})))
    with pytest.raises(errors.ServerError) as caught:
        client.computers()
    assert caught.value.retry_after == 30


@pytest.mark.parametrize("failure", [HttpTimeout, HttpProtocolError])
def test_no_whole_answer_is_master_unreachable(failure: type[HttpTimeout]):
    def fail(_: Request) -> Response:
        raise failure("broke off", url="http://master/")

    with pytest.raises(errors.MasterUnreachable, match="broke off") as caught:
        connected(Everything(fail)).computers()
    assert caught.value.retry_after and caught.value.hint and caught.value.status is None


def test_nobody_there_is_master_unreachable():
    with pytest.raises(errors.ConnectionError, match="nobody answers"):
        connected(FakeTransport()).supply("u", "C")


def test_an_answer_that_is_not_slap_is_an_error_that_says_so():
    client, _ = master(200, b"<html>a login page</html>")
    with pytest.raises(errors.MarshalError, match="where <marshal> should be"):
        client.fetch_computer("C")
    with pytest.raises(errors.ServerError, match="cannot be read") as caught:
        client.computers()
    assert caught.value.hint


def test_an_answer_cut_in_the_middle_is_an_error():
    client, _ = master(200, sample(84).body[:-100])
    with pytest.raises(errors.MarshalError, match="not well-formed"):
        client.fetch_computer("local_computer")


# ---- the JSON interface -------------------------------------------------------------------------

COMPUTER = ComputerStatus("C", CAUSE, 5.0, (), 10, 10)
ON_COMPUTER = ReleaseOnComputer("u", "C", SupplyState.AVAILABLE, ReleaseStatus.BUILDING, CAUSE)
EXPLANATION = Explanation("service", "db", "waiting", CAUSE, (CAUSE,), (EVENT,))

JSON_CALLS: list[tuple[Callable[[SlapClient], Any], str, Any]] = [
    (lambda c: c.service("db"), "GET /v1/services/db", SERVICE),
    (lambda c: c.service("a/b c"), "GET /v1/services/a%2Fb%20c", SERVICE),
    (
        lambda c: c.set_state("db", InstanceState.STOPPED),
        "POST /v1/services/db/state",
        SERVICE,
    ),
    (lambda c: c.computers(), "GET /v1/computers", [COMPUTER]),
    (lambda c: c.computer("C"), "GET /v1/computers/C", COMPUTER),
    (lambda c: c.releases(), "GET /v1/releases", [ON_COMPUTER]),
    (lambda c: c.events(), "GET /v1/events?after=0&limit=100", [EVENT]),
    (
        lambda c: c.events(after=6, subject="INST-1", limit=5, wait=2.5),
        "GET /v1/events?after=6&subject=INST-1&limit=5&wait=2.5",
        [EVENT],
    ),
    (
        lambda c: c.explain("http://x/y.cfg", "release"),
        "GET /v1/explain?name=http%3A%2F%2Fx%2Fy.cfg&kind=release",
        EXPLANATION,
    ),
    (lambda c: c.identity(), "GET /v1/identity", {"kind": "person", "name": "admin"}),
]


@pytest.mark.parametrize(
    ("call", "line", "answer"), JSON_CALLS, ids=[line for _, line, _ in JSON_CALLS]
)
def test_the_json_interface_answers_in_nouns(
    call: Callable[[SlapClient], Any], line: str, answer: Any
):
    client, transport = master(200, wire.encode(answer))
    assert call(client) == answer
    request = transport.requests[0]
    assert f"{request.method} {request.url}" == line.replace(" ", " http://master", 1)


def test_a_long_poll_has_that_much_longer():
    client, transport = master(200, b"[]")
    client.events(wait=30)
    assert transport.requests[0].timeout == 90


def test_every_public_method_says_what_it_gives():
    methods = inspect.getmembers(SlapClient, inspect.isfunction)
    assert [name for name, method in methods if name[0] != "_" and not method.__doc__] == []


def test_services_come_page_by_page_as_they_are_read():
    pages = {0: ServicePage((SERVICE, SERVICE), 7), 7: ServicePage((SERVICE,), None)}
    fake = Everything(
        lambda request: Response(200, {}, wire.encode(pages[7 if "after=7" in request.url else 0]))
    )
    services = connected(fake).services()
    assert len(fake.requests) == 0
    next(services)
    assert len(fake.requests) == 1
    assert len([*services]) == 2
    assert len(fake.requests) == 2
    assert [*connected(fake).services(after=7)] == [SERVICE]
