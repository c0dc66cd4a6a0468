from __future__ import annotations

import hashlib
import io
from pathlib import Path

import pytest

from pelagos.clients import ClientError
from pelagos.clients.errors import Conflict, NotFound, Unsupported, WrongAnswer
from pelagos.clients.image import ImageClient
from pelagos.core.http import FakeTransport, Response
from support.golden import ENDPOINT, Ask, Script

I = {"id": "i", "name": "x", "visibility": "private"}  # noqa: E741
BYTES = {"Content-Type": "application/octet-stream"}


def client(*asks: Ask, dialect: str = "openstack") -> ImageClient:
    return ImageClient(ENDPOINT, "token", http=Script(asks), dialect=dialect)  # type: ignore[arg-type]


def created() -> Ask:
    return Ask("POST /images", {"name": "x"}, answer=I, ok=(201,))


def filled(ok: tuple[int, ...] = (204,)) -> Ask:
    return Ask("PUT /images/i/file", b"content", {**BYTES, "Content-Length": "7"}, ok=ok)


@pytest.mark.parametrize(
    "kind", [str, Path, lambda path: path.as_uri(), lambda path: path.open("rb")]
)
def test_an_image_of_a_file_is_made_and_filled(tmp_path: Path, kind: type) -> None:
    path = tmp_path / "my disk.img"
    path.write_bytes(b"content")
    made = client(created(), filled(), Ask("GET /images/i", answer={**I, "status": "active"}))
    location = kind(path)
    assert made.register("x", location)["status"] == "active"
    if hasattr(location, "close"):
        location.close()


def test_an_image_that_could_not_be_filled_does_not_stay() -> None:
    asked = client(created(), filled(ok=(409,)), Ask("DELETE /images/i", ok=(204,)))
    with pytest.raises(Conflict):
        asked.register("x", io.BytesIO(b"content"))


def test_a_file_that_is_not_there_leaves_no_image(tmp_path: Path) -> None:
    asked = client(created(), Ask("DELETE /images/i", ok=(204,)))
    with pytest.raises(FileNotFoundError):
        asked.register("x", tmp_path / "none")


def download(body: bytes, record: object) -> bytes:
    import json  # noqa: PLC0415  # beside its one use

    root = "/service/v2.0/images/i"
    cloud = FakeTransport(
        {
            f"GET {root}": Response(200, {}, json.dumps(record).encode()),
            f"GET {root}/file": Response(200, {}, body),
        }
    )
    out = io.BytesIO()
    ImageClient(ENDPOINT, "token", http=cloud, dialect="openstack").download_image("i", out)
    return out.getvalue()


def test_content_comes_with_the_hash_that_the_record_says() -> None:
    body = bytes(range(256)) * 9000
    digest = hashlib.sha512(body).hexdigest()
    record = {**I, "os_hash_algo": "sha512", "os_hash_value": digest}
    assert download(body, record) == body
    assert download(body, {**I, "os_hash_algo": None, "os_hash_value": None}) == body
    with pytest.raises(WrongAnswer):
        download(body[1:], record)


@pytest.mark.parametrize(
    ("location", "dialect"),
    [("pithos://u/c/p", "openstack"), (("u", "c", "p"), "openstack"), (Path("x"), "synnefo")],
)
def test_a_location_of_the_other_family_is_refused_before_it_is_sent(
    location: object, dialect: str
) -> None:
    with pytest.raises(Unsupported):
        client(dialect=dialect).register("x", location)


def test_what_a_family_does_not_take_is_refused_before_it_is_sent() -> None:
    synnefo = client(dialect="synnefo")
    with pytest.raises(Unsupported):
        synnefo.upload_image("i", b"")
    with pytest.raises(Unsupported):
        synnefo.download_image("i", io.BytesIO())
    with pytest.raises(Unsupported):
        synnefo.update_image("i", gone=None)
    with pytest.raises(ValueError, match="colour"):
        synnefo.register("x", "pithos://u/c/p", {"colour": "red"})
    with pytest.raises(Unsupported):
        client().register("x", None, {"checksum": "0"})
    with pytest.raises(Unsupported):
        client().update_image("i", status="KILLED")
    with pytest.raises(Unsupported):
        client().reregister("pithos://u/c/p")


def test_a_location_without_an_image_is_not_registered_again() -> None:
    asked = client(Ask("GET /images/detail", answer={"images": []}), dialect="synnefo")
    with pytest.raises(ClientError) as caught:
        asked.reregister("pithos://u/c/p")
    assert caught.value.status == 404


def test_an_id_that_is_none_of_synnefo_is_an_error() -> None:
    with pytest.raises(NotFound):
        client(Ask("HEAD /images/x", ok=(404,)), dialect="synnefo").get_meta("x")


@pytest.mark.parametrize("answer", [[], "x", {"name": "x"}, {"images": 1}])
def test_what_is_no_image_is_an_error(answer: object) -> None:
    with pytest.raises(WrongAnswer):
        client(Ask("GET /images/i", answer=answer)).get_meta("i")


@pytest.mark.parametrize(
    ("url", "is_synnefo"),
    [("http://c:9292/v2", False), ("http://c/image/v1.0", True), ("http://c/image", True)],
)
def test_the_version_in_the_address_tells_the_family(url: str, is_synnefo: bool) -> None:
    assert ImageClient(url, "t").is_synnefo is is_synnefo
