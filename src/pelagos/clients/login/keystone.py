"""Log in at Keystone v3: by password, passcode, token or application credential."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from pelagos.clients.base import Client, Reply
from pelagos.clients.errors import (
    ClientError,
    CloudNotConfigured,
    NotFound,
    Unauthorized,
    WrongAnswer,
)
from pelagos.clients.login.access import Access, lifetime
from pelagos.clients.login.catalogue import from_keystone
from pelagos.clients.login.discovery import found_identity_url
from pelagos.clients.login.settings import CloudSettings
from pelagos.core.http.transports.base import Transport

_DEFAULT_DOMAIN = {"id": "default"}


def identity_url(auth_url: str) -> str:
    """The address of Keystone's v3.

    >>> identity_url("http://h:5000/"), identity_url("http://h/identity/v2.0")
    ('http://h:5000/v3', 'http://h/identity/v3')
    """
    bare = auth_url.rstrip("/")
    last = urlsplit(bare).path.rpartition("/")[2]
    if last == "v3":
        return bare
    return (bare.rpartition("/")[0] if last == "v2.0" else bare) + "/v3"


def login(settings: CloudSettings, http: Transport) -> Access:
    """Log in as the settings say.

    Raises:
        CloudNotConfigured: they do not say enough.
        Unauthorized: Keystone does not believe them.
        ClientError: Keystone did not answer, or not as agreed.
    """
    url = identity_url(settings.auth_url)
    try:
        return _login_at(url, settings, http)
    except NotFound:
        if url == settings.auth_url.rstrip("/"):
            raise  # v3 was configured
        found = found_identity_url(_client(settings.auth_url, settings, http))
        if found == url:
            raise
    return _login_at(found, settings, http)


def _client(url: str, settings: CloudSettings, http: Transport) -> Client:
    return Client(url, http=http, timeout=settings.timeout, dialect="openstack")


def _login_at(url: str, settings: CloudSettings, http: Transport) -> Access:
    client = _client(url, settings, http)
    if settings.token and not _scope(settings):
        return _look_up(client, settings.token)
    body = {"auth": login_body(settings)}
    try:
        reply = client.post("/auth/tokens", json=body, success=(200, 201))
    except ClientError as error:
        _hush(error, settings)
        if not isinstance(error, Unauthorized):
            raise
        error.hint = (
            f"check how {settings.origin} says to log in: user, password, domains, project"
            if settings.passcode is None
            else "a passcode is good for one login only: give the one that your device shows now"
        )
        raise
    token = reply.headers.get("x-subject-token", "")
    is_own = not settings.token and settings.passcode is None  # which cannot be given again
    return _access(token, reply, is_own=is_own)


def _hush(error: ClientError, settings: CloudSettings) -> None:
    """Leave out of an error the secrets that were sent, which some servers repeat."""
    for secret in (
        settings.password,
        settings.passcode,
        settings.token,
        settings.application_credential_secret,
    ):
        if secret:
            error.message = error.message.replace(secret, "...")
            error.details = [str(one).replace(secret, "...") for one in error.details]
    error.args = (error.message,)


def _look_up(client: Client, token: str) -> Access:
    """What there is to know of a token that is good already."""
    headers = {"X-Auth-Token": token, "X-Subject-Token": token}
    try:
        reply = client.get("/auth/tokens", headers=headers, success=200)
    except ClientError as error:
        if error.status == 401 or (error.status == 404 and error.fault == "error"):  # noqa: PLR2004
            raise Unauthorized(
                "Keystone does not know the token, or it has ended",
                error.status,
                hint="fetch a new one, or log in by password or application credential",
            ) from error
        raise
    return _access(token, reply, is_own=False)


def login_body(settings: CloudSettings) -> dict[str, Any]:
    """What is sent to log in: the content of `auth`.

    Raises:
        CloudNotConfigured: the settings name no way to log in.
    """
    methods = _methods(settings)
    body: dict[str, Any] = {"identity": {"methods": list(methods), **methods}}
    scope = _scope(settings)
    if scope and "application_credential" not in methods:  # it has its own project
        body["scope"] = scope
    return body


def _methods(settings: CloudSettings) -> dict[str, dict[str, Any]]:
    """What proves who comes, by the names of Keystone's methods."""
    if settings.application_credential_id or settings.application_credential_name:
        return {"application_credential": _application_credential(settings)}
    found: dict[str, dict[str, Any]] = {}
    if settings.username or settings.user_id:
        if settings.password is not None:
            found["password"] = {"user": {**_user(settings), "password": settings.password}}
        if settings.passcode is not None:
            found["totp"] = {"user": {**_user(settings), "passcode": settings.passcode}}
    if found:
        return found
    if settings.token:
        return {"token": {"id": settings.token}}
    raise CloudNotConfigured(
        f"{settings.origin} does not say how to log in at {settings.auth_url}",
        hint="give username and password, a token, or an application credential and its secret",
    )


def _application_credential(settings: CloudSettings) -> dict[str, Any]:
    if not settings.application_credential_secret:
        raise CloudNotConfigured(
            f"{settings.origin} names an application credential without its secret",
            hint="give application_credential_secret",
        )
    secret = {"secret": settings.application_credential_secret}
    if settings.application_credential_id:
        return {"id": settings.application_credential_id, **secret}
    if not settings.username and not settings.user_id:
        raise CloudNotConfigured(
            f"{settings.origin} names an application credential, but not whose it is",
            hint="give its id, or the user beside its name",
        )
    return {"name": settings.application_credential_name, "user": _user(settings), **secret}


def _user(settings: CloudSettings) -> dict[str, Any]:
    if settings.user_id:
        return {"id": settings.user_id}
    domain = _domain(settings.user_domain_id, settings.user_domain_name)
    return {"name": settings.username, "domain": domain}


def _domain(identifier: str | None, name: str | None) -> dict[str, str]:
    if identifier:
        return {"id": identifier}
    return {"name": name} if name else dict(_DEFAULT_DOMAIN)


def _scope(settings: CloudSettings) -> dict[str, Any] | None:
    if settings.project_id:
        return {"project": {"id": settings.project_id}}
    if settings.project_name:
        domain = _domain(
            settings.project_domain_id or settings.domain_id,
            settings.project_domain_name or settings.domain_name,
        )
        return {"project": {"name": settings.project_name, "domain": domain}}
    if settings.domain_id or settings.domain_name:
        return {"domain": _domain(settings.domain_id, settings.domain_name)}
    return {"system": {"all": True}} if settings.system_scope else None


def _access(token: str, reply: Reply, *, is_own: bool) -> Access:
    said = reply.member("token")
    if not token or not isinstance(said, Mapping):
        raise WrongAnswer(
            f"{reply.url} gave no token",
            reply.status,
            hint="check that auth_url is the address of a Keystone that knows v3",
        )
    user, project = _table(said, "user"), _table(said, "project")
    roles = said.get("roles")
    return Access(
        token=token,
        lifetime=lifetime(said.get("expires_at"), reply),
        expires=str(said.get("expires_at") or ""),
        user_id=str(user.get("id") or ""),
        user_name=str(user.get("name") or ""),
        project_id=project.get("id"),
        project_name=project.get("name"),
        roles=tuple(
            str(one["name"])
            for one in (roles if isinstance(roles, list) else ())
            if isinstance(one, Mapping) and "name" in one
        ),
        catalogue=from_keystone(said.get("catalog") or []),
        details=said,
        is_own=is_own,
    )


def _table(said: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    found = said.get(key)
    return found if isinstance(found, Mapping) else {}
