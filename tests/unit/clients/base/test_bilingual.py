from __future__ import annotations

from typing import Any, ClassVar

import pytest

from pelagos.clients.base.bilingual import Bilingual
from pelagos.clients.compute import ComputeClient
from pelagos.clients.errors import ClientError, Unsupported


class Sample(Bilingual):
    service_type = "sample"
    HOME = "synnefo"
    DEFAULT_API_VERSION = "1.0"
    API_VERSIONS: ClassVar = {"openstack": "2", "synnefo": "1.0"}
    TELLING_VERSIONS: ClassVar = {"2": "openstack"}

    def refuse(self) -> None:
        self._only_on("openstack", "thing", "do without")


@pytest.mark.parametrize(
    ("url", "how", "address", "is_synnefo"),
    [
        ("http://c/s", {}, "http://c/s/v1.0", True),
        ("http://c/s/v1.0", {}, "http://c/s/v1.0", True),
        ("http://c/s/v2/", {}, "http://c/s/v2", False),
        ("http://c/v2/project", {}, "http://c/v2/project", False),
        ("http://c/s", {"dialect": "openstack"}, "http://c/s/v2", False),
        ("http://c/s", {"dialect": "synnefo"}, "http://c/s/v1.0", True),
        ("http://c/v2", {"dialect": "synnefo"}, "http://c/v2", True),
    ],
)
def test_the_cloud_then_the_address_then_the_class_tells_the_family(
    url: str, how: dict[str, Any], address: str, is_synnefo: bool
) -> None:
    client = Sample(url, "token", **how)
    assert client.endpoint_url == address
    assert client.is_synnefo is is_synnefo


def test_an_address_that_is_none_is_refused() -> None:
    with pytest.raises(ClientError):
        Sample("", "token")


def test_what_a_family_has_no_word_for_is_refused_before_it_is_sent() -> None:
    with pytest.raises(Unsupported) as caught:
        Sample("http://c/v1.0", "token").refuse()
    assert caught.value.status == 501
    assert caught.value.hint == "do without"
    Sample("http://c/v2", "token").refuse()


def test_nova_by_its_version_is_an_openstack() -> None:
    assert not ComputeClient("http://c/compute/v2.1", "t").is_synnefo
