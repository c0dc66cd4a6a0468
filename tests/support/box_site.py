"""A box of a test, asked with the standard library."""

from __future__ import annotations

import http.client
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from pelagos.box import Box, Person


@dataclass(frozen=True)
class Reply:
    """An answer as it came; header names in lower case."""

    status: int
    headers: Mapping[str, str]
    content: bytes

    @property
    def json(self) -> Any:
        """The body."""
        return json.loads(self.content)


def ask(
    url: str,
    method: str,
    path: str,
    body: bytes | Any = None,
    *,
    token: str | None = None,
    **headers: str,
) -> Reply:
    """Send one request; a body that is no bytes goes as JSON. `_` in header names is `-`."""
    address = urlsplit(url)
    connection = http.client.HTTPConnection(address.netloc, timeout=60)
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    if token is not None:
        named["X-Auth-Token"] = token
    if body is not None and not isinstance(body, bytes):
        body = json.dumps(body).encode()
        named.setdefault("Content-Type", "application/json")
    try:
        connection.request(method, address.path + path, body, named)
        answer = connection.getresponse()
        told = {name.lower(): value for name, value in answer.getheaders()}
        return Reply(answer.status, told, answer.read())
    finally:
        connection.close()


def openstack_environ(box: Box, person: Person) -> dict[str, str]:
    """What OpenStack's clients read of a person."""
    return {
        "OS_AUTH_URL": box.auth_url,
        "OS_USERNAME": person.name,
        "OS_PASSWORD": person.password,
        "OS_PROJECT_NAME": person.project,
        "OS_USER_DOMAIN_ID": "default",
        "OS_PROJECT_DOMAIN_ID": "default",
        "OS_IDENTITY_API_VERSION": "3",
    }


def password_login(person: Person, password: str | None = None, **scope: Any) -> dict[str, Any]:
    """The body with which a person asks Keystone for a token."""
    named = {"name": person.name, "domain": {"id": "default"}}
    secret = person.password if password is None else password
    auth: dict[str, Any] = {
        "identity": {"methods": ["password"], "password": {"user": {**named, "password": secret}}}
    }
    return {"auth": {**auth, **({"scope": scope} if scope else {})}}
