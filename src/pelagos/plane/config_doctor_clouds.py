"""The checks of the configuration that are about clouds: each file of them, and each cloud."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any

from pelagos.clients.cloud import CloudSettings, KnownClouds
from pelagos.clients.cloud.clouds_yaml import CloudsYaml
from pelagos.clients.cloud.kamakirc import Kamakirc
from pelagos.clients.cloud.openstack_names import from_environment
from pelagos.clients.cloud.own_file import OwnFile
from pelagos.core.errors import PelagosError
from pelagos.core.files import is_private
from pelagos.plane.doctor import Check, Grade

_ADD = "pelagos cloud add NAME URL --username USER --project NAME --replace"

Files = Callable[[Mapping[str, str]], Any]
_FILES: tuple[Files, ...] = (OwnFile, CloudsYaml, Kamakirc)


def look_at_clouds(environ: Mapping[str, str]) -> Iterator[Check]:
    """Whether each file of clouds can be read, and each cloud has what a login needs."""
    seen: dict[str, str] = {}
    for make in _FILES:
        try:
            file = make(environ)
        except PelagosError as error:
            yield Check("clouds", Grade.FAIL, error.message, error.hint or "")
            continue
        for name in file.names:
            if name in seen:
                yield _hidden(name, file.place, seen[name])
            else:
                seen[name] = file.place
                yield from _look_at_cloud(name, partial(file.get, name))
        for place in _places(file):
            yield from _look_at_privacy(place)
    known = KnownClouds(environ)
    if from_environment(environ):
        own = environ.get("OS_CLOUD_NAME") or "envvars"
        yield from _look_at_cloud("of the variables OS_*", lambda: known.get(own))
    if seen:
        yield from _look_at_default(known)


def wrong_clouds(path: Path) -> Iterator[Check]:
    """What cannot be used in the clouds of a configuration file that is there."""
    try:
        file = OwnFile({"PELAGOS_CONFIG": str(path)})
    except PelagosError as error:
        yield Check("clouds", Grade.FAIL, error.message, error.hint or "")
        return
    for name in file.names:
        try:
            file.get(name)
        except PelagosError as error:
            yield Check(f"cloud {name}", Grade.FAIL, error.message, error.hint or "")


def look_at_opennebula(environ: Mapping[str, str]) -> Iterator[Check]:
    """Whether the files and variables of OpenNebula can be used, where there are any."""
    from pelagos.one.settings import find_endpoint

    home = Path(environ.get("HOME") or "~").expanduser()
    named = environ.get("ONE_AUTH")
    file = Path(named) if named else home / ".one/one_auth"
    if not (named or environ.get("ONE_XMLRPC") or file.exists()):
        return
    try:
        found = find_endpoint(None, None, None, environ)
    except PelagosError as error:
        yield Check("OpenNebula", Grade.FAIL, error.message, error.hint or "")
        return
    if file.exists() and not is_private(file):
        yield Check(
            "OpenNebula",
            Grade.FAIL,
            f"others on this machine may read {file}, which holds a password",
            f"chmod 600 {file}",
        )
    else:
        yield Check("OpenNebula", Grade.OK, f"{found.user} at {found.uri}")


def lacks(settings: CloudSettings) -> str:
    """What a login needs that the settings do not have; empty when nothing."""
    if settings.token:
        return ""
    if settings.is_synnefo:
        return "a token"
    has_credential = settings.application_credential_id or settings.application_credential_name
    if has_credential:
        return "" if settings.application_credential_secret else "application_credential_secret"
    if not (settings.username or settings.user_id):
        return "username and password, a token, or an application credential"
    return "" if settings.password or settings.passcode else "a password"


def _look_at_cloud(name: str, get: Callable[[], CloudSettings]) -> Iterator[Check]:
    title = f"cloud {name}"
    try:
        settings = get()
    except PelagosError as error:
        yield Check(title, Grade.FAIL, error.message, error.hint or "")
        return
    missing = lacks(settings)
    if missing:
        yield Check(title, Grade.FAIL, f"{settings.origin}: it lacks {missing}", _ADD)
    elif not settings.verify:
        yield Check(
            title,
            Grade.WARN,
            f"{settings.origin}: its certificate is not checked: others may pose as it",
            "give the authority of its certificate as cacert, and take verify = false out",
        )
    elif _has_no_scope(settings):
        yield Check(
            title,
            Grade.WARN,
            f"{settings.origin}: it names no project, so most services will refuse",
            "add project_name, or domain_name or system_scope for administration",
        )
    else:
        yield Check(title, Grade.OK, f"{settings.auth_url}, of {settings.origin}")


def _has_no_scope(settings: CloudSettings) -> bool:
    by_name = settings.username or settings.user_id
    scoped = (
        settings.project_name,
        settings.project_id,
        settings.domain_name,
        settings.domain_id,
        settings.system_scope,
        settings.application_credential_id,
        settings.application_credential_name,
    )
    return bool(by_name) and not settings.is_synnefo and not any(scoped)


def _hidden(name: str, place: str, first: str) -> Check:
    return Check(
        f"cloud {name}",
        Grade.WARN,
        f"{place} has a cloud of this name, too; that of {first} counts",
        "give one of them another name",
    )


def _places(file: Any) -> list[Path]:
    """The files that hold secrets of clouds, as far as they are there."""
    if isinstance(file, OwnFile):
        return [Path(path).expanduser() for path in file.secret_files()]
    if not file.names:
        return []
    return [Path(file.place), *getattr(file, "further_places", ())]


def _look_at_privacy(path: Path) -> Iterator[Check]:
    try:
        is_open = not is_private(path)
    except OSError:
        return  # the cloud says so
    if is_open:
        yield Check(
            "clouds",
            Grade.WARN if path.name.startswith("clouds") else Grade.FAIL,
            f"others on this machine may read {path}, which may hold secrets of clouds",
            f"chmod 600 {path}",
        )


def _look_at_default(known: KnownClouds) -> Iterator[Check]:
    try:
        name = known.default()
    except PelagosError as error:
        yield Check("clouds", Grade.WARN, error.message, error.hint or "")
        return
    if name not in known.names():
        yield Check(
            "clouds",
            Grade.FAIL,
            f"the cloud that is meant when none is named, {name}, is not configured",
            "change cloud.default, PELAGOS_CLOUD_DEFAULT or OS_CLOUD",
        )
