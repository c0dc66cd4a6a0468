"""What a cloud is called in OpenStack's convention, made into ours. Pure.

The same keys come from two places: `clouds.yaml`, where those of the login stand under `auth`, and
variables OS_*. Keys that we have no use for are another program's; kinds of login that we cannot
do are an error.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pelagos.clients.errors import CloudNotConfigured
from pelagos.clients.login.settings import CloudSettings, from_table

_AUTH: Mapping[str, str] = {
    "auth_url": "auth_url",
    "token": "token",
    "username": "username",
    "user_name": "username",
    "user_id": "user_id",
    "password": "password",
    "passcode": "passcode",
    "user_domain_name": "user_domain_name",
    "user_domain_id": "user_domain_id",
    "project_name": "project_name",
    "tenant_name": "project_name",
    "project_id": "project_id",
    "tenant_id": "project_id",
    "project_domain_name": "project_domain_name",
    "project_domain_id": "project_domain_id",
    "domain_name": "domain_name",
    "domain_id": "domain_id",
    "system_scope": "system_scope",
    "application_credential_id": "application_credential_id",
    "application_credential_name": "application_credential_name",
    "application_credential_secret": "application_credential_secret",
}
_TYPES = frozenset(
    {
        "",
        "password",
        "v3password",
        "token",
        "v3token",
        "v3totp",
        "v3multifactor",
        "v3applicationcredential",
        "v2token",
        "v2password",
    }
)
_FALSE = frozenset({"false", "no", "off", "0", "n"})

#: `compute_endpoint_override` → compute; the convention writes "-" of a type as "_".
_OVERRIDE = "_endpoint_override"


def settings_of(name: str, cloud: Mapping[str, Any], origin: str) -> CloudSettings:
    """The settings of one cloud.

    Args:
        name: of the cloud, for messages.
        cloud: as in `clouds.yaml`: the login under `auth` or beside it.
        origin: the file, or "the environment".

    Raises:
        CloudNotConfigured: it logs in another way than we can, or a value is of the wrong type.
    """
    auth = cloud.get("auth") or {}
    if not isinstance(auth, Mapping):
        raise CloudNotConfigured(f"{origin}, cloud {name}: auth must be a table")
    said = {**cloud, **auth}
    kind = str(said.get("auth_type") or said.get("auth_plugin") or "").lower()
    if kind not in _TYPES:
        raise CloudNotConfigured(
            f"{origin}, cloud {name}: auth_type {kind} is not known here",
            hint="log in by password, token, v3totp, v3multifactor or v3applicationcredential",
        )
    table: dict[str, Any] = {}
    for theirs, ours in _AUTH.items():
        if said.get(theirs) not in (None, "") and ours not in table:
            table[ours] = said[theirs]
    table.update(_default_domain(said, table))
    _keep_to(kind, table)
    table["region"] = said.get("region_name") or _only_region(said)
    interface = said.get("interface") or said.get("endpoint_type")
    table["interface"] = str(interface).removesuffix("URL") if interface else None
    table["timeout"] = _seconds(said.get("api_timeout"))
    table.update(_tls(said))
    table["endpoints"] = {
        key.removesuffix(_OVERRIDE).replace("_", "-"): url
        for key, url in said.items()
        if isinstance(key, str) and key.endswith(_OVERRIDE) and url
    }
    return from_table(name, table, origin)


def from_environment(environ: Mapping[str, str]) -> dict[str, Any]:
    """What the variables OS_* say, by the names of `clouds.yaml`; empty without OS_AUTH_URL."""
    if not environ.get("OS_AUTH_URL"):
        return {}
    own = {"OS_CLOUD", "OS_CLOUD_NAME"}
    said = {
        key[3:].lower(): value
        for key, value in environ.items()
        if key.startswith("OS_") and value and key not in own and not key.startswith("OS_CLIENT_")
    }
    if "auth_token" in said:
        said.setdefault("token", said["auth_token"])
    return said


def _default_domain(said: Mapping[str, Any], table: Mapping[str, Any]) -> dict[str, Any]:
    """The domain for user and project that say none."""
    found = {}
    for kind in ("id", "name"):
        value = said.get(f"default_domain_{kind}") or (
            said.get("default_domain") if kind == "id" else None
        )
        for who in ("user", "project"):
            is_said = f"{who}_domain_id" in table or f"{who}_domain_name" in table
            if value and not is_said and f"{who}_domain_id" not in found:
                found[f"{who}_domain_{kind}"] = value
    return found


def _keep_to(kind: str, table: dict[str, Any]) -> None:
    """Leave only what the named kind of login uses; a shell may have more of them at once."""
    if kind == "v3multifactor":
        unused: tuple[str, ...] = ("token", "application_credential_")
    elif kind.endswith("totp"):
        unused = ("token", "password", "application_credential_")
    elif kind.endswith("password"):
        unused = ("token", "passcode", "application_credential_")
    elif kind.endswith("token"):
        unused = ("password", "passcode", "application_credential_")
    elif kind:
        unused = ("token", "pass", "project_", "domain_", "system_scope")
    else:
        unused = ()
    for key in [one for one in table if unused and one.startswith(unused)]:
        del table[key]


def _only_region(said: Mapping[str, Any]) -> Any:
    regions = said.get("regions")
    if not isinstance(regions, list) or len(regions) != 1:
        return None
    return regions[0].get("name") if isinstance(regions[0], Mapping) else regions[0]


def _seconds(value: Any) -> Any:
    try:
        return float(value) if value not in (None, "") else None
    except (TypeError, ValueError):
        return value


def _tls(said: Mapping[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = {key: said.get(key) for key in ("cacert", "cert", "key")}
    verify = said.get("verify")
    if isinstance(verify, str) and verify.lower() not in {*_FALSE, "true", "yes", "on", "1", "y"}:
        found["cacert"] = verify  # the convention allows the authority's file there
        verify = True
    found["verify"] = not _is(said.get("insecure"), default=False) and _is(verify, default=True)
    return found


def _is(value: Any, *, default: bool) -> bool:
    if value is None or value == "":
        return default
    return str(value).lower() not in _FALSE
