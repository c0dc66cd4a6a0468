"""directory.auth.settings: the section `auth`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from pelagos.core.errors import ConfigError
from pelagos.core.http import FakeTransport
from pelagos.directory.auth.keystone import KeystoneTokens
from pelagos.directory.auth.rights import PERSON
from pelagos.directory.auth.settings import AuthSettings
from pelagos.directory.auth.wazo import WazoTokens


def read(**auth: Any) -> AuthSettings:
    return AuthSettings.from_mapping({"auth": auth})


def test_a_plane_asks_its_own_master() -> None:
    assert AuthSettings.from_mapping({}).verifier() is None
    auth = read(rights={"tenant": ["dird.personal.#"]}, trust=2)
    assert auth.rights == {"operator": ("#",), "tenant": ("dird.personal.#",)} and auth.trust == 2


def test_wazo_auth_is_where_the_ancestors_keys_say() -> None:
    assert read(type="wazo").url == "https://localhost:9497/0.1"
    auth = read(
        type="wazo", host="pbx", port=443, prefix="/api/auth", verify_certificate="/etc/ca.pem"
    )
    assert auth.url == "https://pbx:443/api/auth/0.1" and auth.authority == Path("/etc/ca.pem")
    assert read(type="wazo", https=False).url == "http://localhost:9497/0.1"
    assert isinstance(auth.verifier(transport=FakeTransport()), WazoTokens)


def test_keystone_is_where_its_url_says() -> None:
    auth = read(type="keystone", url="https://k:5000/v3", rights={"sales": ["dird.#"]})
    assert auth.rights is not None and auth.rights["sales"] == ("dird.#",)
    assert auth.rights["reader"] == PERSON
    assert isinstance(auth.verifier(transport=FakeTransport()), KeystoneTokens)


@pytest.mark.parametrize(
    ("auth", "message"),
    [
        ({"type": "keystne"}, "keystne"),
        ({"type": "keystone"}, r"auth\.url is missing"),
        ({"type": "keystone", "url": "keystone:5000"}, "not an address"),
        ({"host": "x"}, "unknown key 'host'"),
        ({"type": "wazo", "rights": {}}, "unknown key 'rights'"),
        ({"type": "wazo", "port": "9497"}, r"auth\.port"),
        ({"type": "wazo", "timeout": 0}, r"auth\.timeout"),
        ({"type": "wazo", "verify_certificate": False}, r"verify_certificate"),
        ({"trust": 86400}, r"auth\.trust"),
        ({"rights": {"tenant": "dird.#"}}, r"auth\.rights\.tenant"),
        ({"type": "keystone", "url": "https://k/v3", "projects": "p"}, r"auth\.projects"),
    ],
)
def test_what_cannot_be_used_is_refused_with_its_place(auth: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        read(**auth)
