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
    "secret_id", "role_secret_id", "preshared_key", "pre-shared-key", "license_key",
    "private_key_pem", "private-key-data", "api_key_1", "pass1", "userPin", "token_value",
    "access_token_v2", "refreshtokenb64", "storage_key", "root_key", "deployKey", "consumer_key",
)  # fmt: skip
OTHERS = (
    "key", "public_key", "routing_key", "token_file", "password-file", "credential_id", "spin",
    "secret_name", "token_url", "token_lifetime", "compass_rose", "author", "passenger_count",
    "compass", "bypass", "max_tokens", "maxTokens", "password_min_length", "password_command",
    "password_env", "token_hours", "access_key_id", "private_key_pem_file",
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


@pytest.mark.parametrize("value", ["/AbC+base64==", "/AbC/base64=", "/Ab+C/base64", "/AbCbase64"])
def test_a_key_that_begins_like_a_path_is_a_secret(value: str) -> None:
    assert holds_secret("service_key", value)
    assert masked({"service_key": value}) == {"service_key": MASK}


@pytest.mark.parametrize("name", ["key", "wrapping_key", "key_material"])
def test_errors_of_a_schema_show_no_key_of_any_kind(name: str) -> None:
    schema = {"properties": {name: {"type": "integer"}}}
    problems = list(json_schema.check({name: "s3cr3t"}, schema))
    assert problems and "s3cr3t" not in str(problems)


def test_a_long_name_is_judged_at_once() -> None:
    assert is_secret("token" + "1" * 5000)
    assert not is_secret("token" + "1" * 5000 + "x")
