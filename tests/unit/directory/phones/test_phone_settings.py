"""The section `phones`, read and checked."""

from __future__ import annotations

import ipaddress
from pathlib import Path
from typing import Any

import pytest

from pelagos.core.errors import ConfigError
from pelagos.directory.views.phones.settings import Listening, PhonesSettings


def test_an_empty_section_lets_in_this_machine_over_http() -> None:
    settings = PhonesSettings.from_mapping({})
    assert settings.subnets == (ipaddress.ip_network("127.0.0.0/24"),)
    assert settings.http == Listening(port=9498) and settings.https is None
    assert settings == PhonesSettings()


def test_every_key_is_read() -> None:
    settings = PhonesSettings.from_mapping(
        {
            "authorized_subnets": ["10.1.2.3/16", "fd00::/8"],
            "default_profile": "sales",
            "public_url": "https://door",
            "token_file": "/t",
            "http": {"enabled": False},
            "https": {
                "listen": "10.1.0.1", "port": 0, "certificate": "/c.pem", "private_key": "/k.pem",
            },
        }
    )  # fmt: skip
    assert [str(net) for net in settings.subnets] == ["10.1.0.0/16", "fd00::/8"]
    assert (settings.profile, settings.token_file, settings.http) == ("sales", Path("/t"), None)
    assert settings.public_url == "https://door"
    assert settings.https == Listening("10.1.0.1", 0, Path("/c.pem"), Path("/k.pem"))


@pytest.mark.parametrize(
    ("section", "place"),
    [
        ({"authorised_subnets": []}, "authorized_subnets"),
        ({"authorized_subnets": ["office"]}, "phones.authorized_subnets"),
        ({"authorized_subnets": "10.0.0.0/8"}, "phones.authorized_subnets"),
        ({"http": {"port": 70000}}, "phones.http.port"),
        ({"http": {"port": True}}, "phones.http.port"),
        ({"http": {"enabled": "yes"}}, "phones.http.enabled"),
        ({"http": {"certificate": "/c.pem"}}, "phones.http"),
        ({"https": {"certificate": "/c.pem"}}, "phones.https"),
        ({"public_url": "door:9498"}, "phones.public_url"),
        ({"default_profile": ""}, "phones.default_profile"),
    ],
)
def test_what_is_wrong_is_named(section: dict[str, Any], place: str) -> None:
    with pytest.raises(ConfigError) as caught:
        PhonesSettings.from_mapping(section)
    assert place in f"{caught.value} {caught.value.hint}"
