"""What is known of one cloud before it is asked: where it is, who comes, and how."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

from pelagos.clients.base.dialect import Dialect
from pelagos.clients.errors import CloudNotConfigured
from pelagos.core import spelling
from pelagos.core.http import ClientTls

#: What names the file of a secret, by the secret's own name.
SECRET_FILES: Mapping[str, str] = {
    "password": "password_file",
    "token": "token_file",
    "application_credential_secret": "application_credential_secret_file",
}


@dataclass(frozen=True, slots=True)
class CloudSettings:
    """One cloud, whichever file it was written in.

    Attributes:
        auth_url: address of Keystone or of Astakos; without a version, Keystone's v3 is meant.
        dialect: "openstack" or "synnefo"; None: by the address, which for Astakos ends in v2.0.
        token: instead of a password; the only way into Synnefo.
        username, user_id: who comes; by name with a domain.
        password: of that user.
        passcode: of that user's device, good for one login; beside a password or instead of it.
        user_domain_name, user_domain_id: where the user is; the domain "default" when neither.
        project_name, project_id: for which project; none for a token without one.
        project_domain_name, project_domain_id: where the project is; the domain "default" when
            neither.
        domain_name, domain_id: for a whole domain, instead of a project.
        system_scope: "all" for the whole system, instead of a project.
        application_credential_id, application_credential_name: instead of user and project; by
            name with the user.
        application_credential_secret: of that credential.
        region: whose endpoints are used; None where there is only one.
        interface: public, internal or admin.
        endpoints: addresses that go before the catalogue's, by type of service.
        verify: whether the servers' certificates are checked.
        cacert: PEM file with the authority that they must come from; None: the system's.
        cert, key: PEM files of a client certificate.
        timeout: seconds for one answer.
        container: the container that programs for object storage begin with.
        account: whose object storage, when it is not the asker's own.
        keep_token: whether a login is kept for the user's next programs, in a file of mode 0600.
        origin: the file, or "the environment", for messages.
    """

    auth_url: str
    dialect: Dialect | None = None
    token: str | None = field(default=None, repr=False)
    username: str | None = None
    user_id: str | None = None
    password: str | None = field(default=None, repr=False)
    passcode: str | None = field(default=None, repr=False)
    user_domain_name: str | None = None
    user_domain_id: str | None = None
    project_name: str | None = None
    project_id: str | None = None
    project_domain_name: str | None = None
    project_domain_id: str | None = None
    domain_name: str | None = None
    domain_id: str | None = None
    system_scope: str | None = None
    application_credential_id: str | None = None
    application_credential_name: str | None = None
    application_credential_secret: str | None = field(default=None, repr=False)
    region: str | None = None
    interface: str = "public"
    endpoints: Mapping[str, str] = field(default_factory=dict)
    verify: bool = True
    cacert: Path | None = None
    cert: Path | None = None
    key: Path | None = None
    timeout: float = 60.0
    container: str | None = None
    account: str | None = None
    keep_token: bool = False
    origin: str = "the program"

    @property
    def tls(self) -> ClientTls:
        """Whom to trust and as whom to come."""
        return ClientTls(self.cacert, self.cert, self.key, is_verified=self.verify)

    @property
    def is_synnefo(self) -> bool:
        """Whether its door is Astakos: as said, or by the address."""
        if self.dialect is not None:
            return self.dialect == "synnefo"
        return self.auth_url.rstrip("/").endswith("/v2.0")


_NAMES = frozenset(one.name for one in fields(CloudSettings)) - {"origin"}
_PATHS = frozenset({"cacert", "cert", "key"})
_FLAGS = frozenset({"verify", "keep_token"})
_TEXTS = _NAMES - _PATHS - _FLAGS - {"endpoints", "timeout", "dialect"}


def from_table(name: str, table: Mapping[str, Any], origin: str) -> CloudSettings:
    """Check what a file says of one cloud.

    Args:
        name: of the cloud, for messages.
        table: by the names of the settings; None and "" count as not said. A secret may be in a
            file of its own: `password_file` for `password`.
        origin: the file.

    Raises:
        CloudNotConfigured: a key is unknown, or a value of the wrong type.
    """
    said = {key: value for key, value in table.items() if value is not None and value != ""}
    where = f"{origin}, cloud {name}"
    known = {*_NAMES, *SECRET_FILES.values()}
    for key in said:
        if key not in known:
            raise CloudNotConfigured(
                f"{where}: unknown key: {key}", hint=spelling.hint(key, sorted(known))
            )
    for key, beside in SECRET_FILES.items():
        if beside in said:
            said[key] = _secret(str(said.pop(beside)), where)
    values = {key: _value(key, value, where) for key, value in said.items()}
    if "auth_url" not in values:
        raise CloudNotConfigured(
            f"{where}: nobody says where the cloud is",
            hint="give its auth_url: the address of Keystone, or of Synnefo's Astakos",
        )
    return CloudSettings(**values, origin=origin)


def _value(key: str, value: Any, where: str) -> Any:
    if key in _TEXTS:
        return _text(key, value, where)
    if key in _PATHS:
        return Path(_text(key, value, where)).expanduser()
    if key in _FLAGS and isinstance(value, bool):
        return value
    if key == "timeout" and isinstance(value, int | float) and value > 0:
        return float(value)
    if key == "dialect" and value in {"openstack", "synnefo"}:
        return value
    if key == "endpoints" and isinstance(value, Mapping):
        return {str(kind): _text(f"endpoints.{kind}", url, where) for kind, url in value.items()}
    wanted = {
        "verify": "true or false",
        "keep_token": "true or false",
        "timeout": "a number of seconds above 0",
        "dialect": '"openstack" or "synnefo"',
        "endpoints": "a table: type of service = address",
    }
    raise CloudNotConfigured(f"{where}: {key} must be {wanted[key]}")


def _text(key: str, value: Any, where: str) -> str:
    if isinstance(value, bool) or not isinstance(value, str | int | float) or "\0" in str(value):
        raise CloudNotConfigured(f"{where}: {key} must be a text")
    return str(value)


def _secret(path: str, where: str) -> str:
    try:
        return Path(path).expanduser().read_text("utf-8").strip()
    except (OSError, ValueError, RuntimeError) as error:
        reason = getattr(error, "strerror", None) or "it is no text"
        raise CloudNotConfigured(
            f"{where}: cannot read {path}: {reason}", hint="check the path, and who may read it"
        ) from error
