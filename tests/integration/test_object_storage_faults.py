"""Files up and down over a bad line: servers that refuse, drop connections and cut answers."""

from __future__ import annotations

import io
import random
from typing import Any

import pytest

from pelagos.box import Box
from pelagos.box.chaos import Chaos
from pelagos.clients import ClientError, PithosClient, StorageClient
from pelagos.clients.cloud import Cloud, CloudSettings

MIB = 1024 * 1024


def patiently(call: Any, *args: Any, **more: Any) -> Any:
    """As a person would: again, when something failed that may pass."""
    for _ in range(20):
        try:
            return call(*args, **more)
        except ClientError as error:
            if error.status in {400, 403, 404, 409, 412, 416}:
                raise
    pytest.fail("it did not pass")


@pytest.mark.parametrize("seed", [1, 2])
def test_no_byte_is_wrong_and_none_is_doubled_in_pithos(seed: int) -> None:
    with Box(chaos=Chaos.parse(f"503=4%,429=2%,drop=6%,cut=6%,seed={seed}")) as box:
        person = box.person("ann")
        client = PithosClient(
            f"{box.url}/pithos/object-store/v1",
            person.token(),
            person.user_id,
            "c",
            dialect="synnefo",
        )
        patiently(client.create_container, "c")
        for number in range(3):
            data = random.Random(number).randbytes(9 * MIB + number)
            patiently(client.upload_object, "o", data)
            assert patiently(client.download_to_string, "o") == data
            out = io.BytesIO(data[: 5 * MIB])
            patiently(client.download_object, "o", out, resume=True)
            assert out.getvalue() == data


@pytest.mark.parametrize("seed", [3, 4])
def test_no_byte_is_wrong_and_no_half_object_is_there_in_swift(seed: int) -> None:
    with Box(chaos=Chaos.parse(f"503=4%,429=2%,drop=6%,cut=6%,seed={seed}")) as box:
        person = box.person("ann")
        settings = CloudSettings(
            box.auth_url,
            username=person.name,
            password=person.password,
            project_name=person.project,
        )
        client = patiently(Cloud(settings=settings).client, StorageClient)
        client.container = "c"
        patiently(client.put, client.container_path(), success=(201, 202))
        former = b""
        for number, limit in enumerate((MIB, 64 * MIB, MIB)):
            data = random.Random(number).randbytes(6 * MIB + number)
            how = {"whole_limit": limit, "segment_size": MIB}
            try:
                client.upload_object("o", data, **how)
            except ClientError:
                out = io.BytesIO()
                if former:
                    patiently(client.download_object, "o", out)
                    assert out.getvalue() in {former, data}
                patiently(client.upload_object, "o", data, **how)
            out = io.BytesIO()
            patiently(client.download_object, "o", out)
            assert out.getvalue() == data
            former = data
