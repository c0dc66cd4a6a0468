"""Whatever a server answers, every method of every client gives a result or a ClientError."""

from __future__ import annotations

import inspect
import io
import json
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import pytest

from pelagos.clients import astakos, blockstorage, cyclades, identity, image, network
from pelagos.clients.base.sending import Patience
from pelagos.clients.compute import ComputeClient
from pelagos.clients.errors import ClientError, RedirectedElsewhere
from pelagos.clients.pithos import PithosClient
from pelagos.clients.storage import StorageClient
from pelagos.core.http import Headers, Request, Response
from pelagos.core.http.transports.fake import FakeStream


class KnownAccount(astakos.AstakosClient):
    """One that need not ask where the account service is."""

    def _account_url(self) -> str:
        return "http://c/account/v1.0"


CLIENTS: tuple[tuple[type[Any], str], ...] = (
    (ComputeClient, "http://c/compute/v2.1"),
    (cyclades.CycladesComputeClient, "http://c/compute/v2.0"),
    (network.NetworkClient, "http://c/network/v2.0"),
    (cyclades.CycladesNetworkClient, "http://c/network/v2.0"),
    (blockstorage.BlockStorageClient, "http://c/volume/v3/p"),
    (cyclades.CycladesBlockStorageClient, "http://c/volume/v2.0"),
    (image.ImageClient, "http://c/image/v1.0"),
    (image.ImageClient, "http://c/image/v2"),
    (StorageClient, "http://c/v1"),
    (PithosClient, "http://c/v1"),
    (identity.IdentityClient, "http://c/identity/v3"),
    (astakos.AstakosClient, "http://c/identity/v2.0"),
    (astakos.CachedAstakosClient, "http://c/identity/v2.0"),
    (KnownAccount, "http://c/identity/v2.0"),
)
INJECTED = "x\r\nX-Injected: yes"

#: Not calls, or ones that a test would wait for.
_PASSED_OVER = ("wait", "async_run", "set_header", "set_param", "time_for", "use_alternative")
#: Arguments that are not texts.
ARGUMENTS: dict[str, Any] = {
    "accept_serials": [1],
    "amount": 1,
    "end": 3,
    "f": b"some bytes",
    "fixed_ips": [{"ip_address": INJECTED}],
    "image_id": "x",
    "images": [],
    "json_data": {"a": INJECTED},
    "limit": 2,
    "members": [INJECTED],
    "metapairs": {"a": "b"},
    "networks": [{"name": INJECTED}],
    "ports": [{"network_id": INJECTED}],
    "project_provisions": {("h", "r"): 1},
    "provisions": {("h", "r"): 1},
    "reject_serials": [1],
    "size": 1,
    "specs": {"name": INJECTED},
    "start": 0,
    "subnets": [{"network_id": INJECTED, "cidr": "10.0.0.0/8"}],
    "tags": [INJECTED],
    "upto_bytes": 1,
    "user_provisions": {("h", "s", "r"): 1},
    "usernames": ["u"],
    "uuids": [INJECTED],
    "display_names": [INJECTED],
    "volume_size": 1,
    "what": "x",
}


class Hostile:
    """Answers everything alike; remembers what was sent."""

    def __init__(self, answer: Response) -> None:
        self.answer = answer
        self.requests: list[Request] = []

    def send(self, request: Request) -> Response:
        self.requests.append(request)
        assert len(self.requests) < 50, "asks without end"
        return Response(self.answer.status, Headers(self.answer.headers), self.answer.body)

    def open(self, request: Request) -> FakeStream:
        found = self.send(request)
        return FakeStream(found.status, found.headers, found.body)

    def close(self) -> None:
        """Nothing is held."""


def methods(kind: type[Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """The public methods that make calls, with arguments for each."""
    for name, method in inspect.getmembers(kind, inspect.isfunction):
        if name.startswith(("_", *_PASSED_OVER)):
            continue
        needed = {
            one.name: argument(one.name)
            for one in list(inspect.signature(method).parameters.values())[1:]
            if one.default is one.empty and one.kind is one.POSITIONAL_OR_KEYWORD
        }
        if name == "download_image":
            needed["destination"] = io.BytesIO()
        yield name, needed


def argument(name: str) -> Any:
    if name == "dst":
        return io.BytesIO()
    if name in {"source_file", "source"}:
        return b"bytes"
    return ARGUMENTS.get(name, INJECTED)


def body(data: Any) -> bytes:
    return data if isinstance(data, bytes) else json.dumps(data).encode()


def catalogue(endpoints: Any) -> dict[str, Any]:
    kinds = ("astakos_account", "astakos_oauth2", "astakos_identity")
    services = [{"name": one, "type": one, "endpoints": endpoints} for one in kinds]
    return {"access": {"user": {}, "token": {}, "serviceCatalog": services}}


NAMES = """
    server servers flavor flavors image images network networks subnet subnets port ports
    floatingip floatingips volume volumes snapshot snapshots volume_types volume_type keypair
    keypairs tags meta metadata addresses console stats access token user users project
    projects roles role members memberships versions uuid_catalog displayname_catalog serial
    security_group security_groups router routers attachments volumeAttachment
    volumeAttachments limits quota_set
""".split()  # noqa: SIM905  # readable

ANSWERS = {
    "null": b"null",
    "number": b"5",
    "text": b'"text"',
    "list": b"[]",
    "list of anything": b'[5, null, {"a": 1}]',
    "nothing": b"{}",
    "no bytes": b"",
    "a page": b"<html><title>It works</title></html>",
    "not JSON": b'{"servers": [',
    "not UTF-8": b"\xff\xfe\x00",
    "numbers": body(dict.fromkeys(NAMES, 5)),
    "nulls": body(dict.fromkeys(NAMES)),
    "texts": body(dict.fromkeys(NAMES, "x")),
    "lists of numbers": body({name: [5, None] for name in NAMES}),
    "empty lists": body({name: [] for name in NAMES}),
    "empty records": body({name: {} for name in NAMES}),
    "lists of empty records": body({name: [{}] for name in NAMES}),
    "records of nulls": body({name: dict.fromkeys(["id", *NAMES]) for name in NAMES}),
    "a broken catalogue": body({"access": {"serviceCatalog": [5, {"name": "astakos_account"}]}}),
    "addresses that are none": body(catalogue([{"publicURL": 5, "versionId": {}}])),
    "a catalogue without addresses": body(catalogue([{}])),
    "endpoints of numbers": body(catalogue([5])),
    "endpoints that are no list": body(catalogue(5)),
    "a user that is none": body({"access": {"user": 5, "token": [], "serviceCatalog": []}}),
    "deep": b'{"a":' * 1500 + b"1" + b"}" * 1500,
}
ODD = {
    "Content-Type": "application/json",
    "X-Container-Block-Size": "-5",
    "X-Container-Block-Hash": "nosuch",
    "X-Object-Version": "x",
    "Content-Length": "many",
    "Content-Range": "bytes x",
    "Location": "::",
    "X-Subject-Token": "",
    "X-Object-Sharing": "=;;=read",
    "X-Object-Hash": "zz",
}


def client_of(kind: type[Any], url: str, answer: Response) -> tuple[Any, Hostile]:
    hostile = Hostile(answer)
    more = {"account": "a", "container": "c"} if issubclass(kind, StorageClient) else {}
    return kind(url, "T", http=hostile, patience=Patience(1), **more), hostile


def failures(answer: Response) -> Iterator[str]:
    """The methods that this answer makes raise what nobody expects, or send what they must not."""
    for kind, url in CLIENTS:
        for name, needed in methods(kind):
            client, hostile = client_of(kind, url, answer)
            error = raised(client, name, needed)
            if error is not None:
                yield f"{kind.__name__}.{name}: {error!r}"
            for request in hostile.requests:
                values = [request.url, *request.headers.values()]
                if any("\n" in value or "\r" in value for value in values):
                    yield f"{kind.__name__}.{name}: sends another header"


def raised(client: Any, name: str, needed: dict[str, Any]) -> Exception | None:
    """What a method raises that is no error of a cloud, nor of what the caller gave."""
    try:
        getattr(client, name)(**needed)
    except (ClientError, OSError):  # a file of the caller is not there
        return None
    except Exception as error:  # noqa: BLE001  # just these are looked for
        return None if type(error) is ValueError else error
    return None


@pytest.mark.parametrize("answer", ANSWERS)
def test_no_answer_raises_anything_else(answer: str) -> None:
    for status in (200, 202, 404) if answer in {"not UTF-8", "nulls", "deep"} else (200, 202):
        found = Response(status, ODD if status != 202 else {}, ANSWERS[answer])
        assert sorted(failures(found)) == [], status


def test_a_redirect_to_another_server_takes_the_token_nowhere() -> None:
    redirect = Response(302, {"Location": "http://evil/x"}, b"")
    refused = 0
    for kind, url in CLIENTS:
        for name, needed in methods(kind):
            client, hostile = client_of(kind, url, redirect)
            with suppress(ValueError, OSError):
                try:
                    getattr(client, name)(**needed)
                except RedirectedElsewhere as error:
                    refused += error.location == "http://evil/x"
                except ClientError:
                    assert not hostile.requests, name
            assert all(one.url.startswith("http://c/") for one in hostile.requests), name
    assert refused > 300
