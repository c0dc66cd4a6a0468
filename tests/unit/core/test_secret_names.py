"""Which names are secrets' is said once, and the four that hide some agree."""

from __future__ import annotations

import pytest

from pelagos.cli.shell.discretion import discreet
from pelagos.cli.shell.step import System
from pelagos.cli.tree import pelagos_tree
from pelagos.core import json_schema
from pelagos.core.secret_names import holds_secret, is_secret
from pelagos.directory.settings.masking import MASK, masked
from pelagos.plane.config_doctor import secrets_in

SECRETS = (
    "password", "passwd", "db_pass", "passphrase", "passcode", "pwd", "adminPass", "pin",
    "secret", "client_secret", "token", "auth-token", "accessToken", "credentials",
    "api_key", "apiKey", "private_key", "signing_key", "session_cookie", "Authorization",
)  # fmt: skip
OTHERS = (
    "key", "public_key", "routing_key", "token_file", "password-file", "credential_id", "spin",
    "secret_name", "token_url", "token_lifetime", "compass_rose", "author", "passenger_count",
)  # fmt: skip


@pytest.mark.parametrize("name", SECRETS)
def test_a_secret_is_one_wherever_it_is_met(name: str) -> None:
    assert is_secret(name)
    assert masked({name: "s3cr3t"}) == {name: MASK}
    assert list(secrets_in({"a": {name: "s3cr3t"}})) == [f"a.{name}"]
    line = f"!tool --{name} s3cr3t"
    kept = discreet(line, System(line[1:]), pelagos_tree())
    assert kept is not None and "s3cr3t" not in kept
    schema = {"properties": {name: {"type": "integer"}}}
    problems = list(json_schema.check({name: "s3cr3t"}, schema))
    assert problems and "s3cr3t" not in str(problems)


@pytest.mark.parametrize("name", OTHERS)
def test_what_only_sounds_like_one_is_shown(name: str) -> None:
    assert not is_secret(name)
    assert masked({name: "plain"}) == {name: "plain"}
    assert list(secrets_in({"a": {name: "plain"}})) == []
    line = f"!tool --{name} plain"
    assert discreet(line, System(line[1:]), pelagos_tree()) == line


@pytest.mark.parametrize("path", ["/etc/ssl/key.pem", "~/key.pem", "./key.pem"])
def test_the_path_of_a_key_is_no_secret_and_a_password_like_a_path_is(path: str) -> None:
    assert not holds_secret("client_key", path)
    assert holds_secret("password", path)
    assert list(secrets_in({"a": {"client_key": path, "password": path}})) == ["a.password"]
