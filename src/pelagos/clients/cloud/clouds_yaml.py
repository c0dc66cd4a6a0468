"""Clouds in `clouds.yaml`, as OpenStack's clients keep them.

Looked for in OS_CLIENT_CONFIG_FILE, the current folder, ~/.config/openstack (or
$XDG_CONFIG_HOME/openstack) and /etc/openstack; the first that is there counts. `secure.yaml`,
found in the same way (OS_CLIENT_SECURE_FILE), is laid over it; `clouds-public.yaml`
(OS_CLIENT_VENDOR_FILE) has the profiles that a cloud may refer to.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from pelagos.clients.cloud.openstack_names import settings_of
from pelagos.clients.errors import CloudNotConfigured
from pelagos.clients.login.settings import CloudSettings
from pelagos.core import plain_json

_SIZE_LIMIT = 4 * 1024 * 1024
_ENTRIES_LIMIT = 10_000


class CloudsYaml:
    """What the files say; empty when there are none.

    Args:
        environ: the environment.
        folder: the current one.

    Raises:
        CloudNotConfigured: a file cannot be read, or is not what it should be.
    """

    def __init__(self, environ: Mapping[str, str], folder: Path | None = None) -> None:
        here = folder or Path()
        found = _find(environ, "OS_CLIENT_CONFIG_FILE", "clouds", here)
        self.place = str(found or "clouds.yaml")
        document = _read(found) if found else {}
        clouds = _table(document, "clouds", self.place)
        secure = _find(environ, "OS_CLIENT_SECURE_FILE", "secure", here)
        secrets = _table(_read(secure), "clouds", str(secure)) if secure else {}
        self._clouds: Mapping[str, Any] = {
            str(name): _merged(cloud, secrets.get(name)) for name, cloud in clouds.items()
        }
        self.further_places = (secure,) if secure else ()
        self._public = _find(environ, "OS_CLIENT_VENDOR_FILE", "clouds-public", here)
        self.names = tuple(self._clouds)
        cache = document.get("cache")
        self._keeps_tokens = isinstance(cache, Mapping) and cache.get("auth") is True

    def get(self, name: str) -> CloudSettings:
        """The settings of one of `names`.

        Raises:
            CloudNotConfigured: they cannot be used.
        """
        cloud = self._clouds[name]
        if not isinstance(cloud, Mapping):
            raise CloudNotConfigured(f"{self.place}: the cloud {name} must be a table")
        profile = cloud.get("profile") or cloud.get("cloud")
        if profile and profile != name:
            cloud = _merged(self._profile(str(profile), name), cloud)
        return replace(settings_of(name, cloud, self.place), keep_token=self._keeps_tokens)

    def _profile(self, profile: str, name: str) -> Any:
        place = str(self._public)
        public = _table(_read(self._public), "public-clouds", place) if self._public else {}
        if profile not in public:
            raise CloudNotConfigured(
                f"{self.place}: the cloud {name} refers to the profile {profile}, and nobody says "
                "what that is",
                hint="write its auth_url beside it, or the profile into clouds-public.yaml",
            )
        return public[profile]


def _find(environ: Mapping[str, str], variable: str, stem: str, here: Path) -> Path | None:
    if environ.get(variable):
        return Path(environ[variable]).expanduser()
    return next((path for path in _places(environ, stem, here) if path.is_file()), None)


def _places(environ: Mapping[str, str], stem: str, here: Path) -> Iterator[Path]:
    home = environ.get("HOME")
    own = environ.get("XDG_CONFIG_HOME") or (f"{home}/.config" if home else None)
    folders = [here, *([Path(own, "openstack")] if own else []), Path("/etc/openstack")]
    for folder in folders:
        for ending in ("yaml", "yml", "json"):
            yield folder / f"{stem}.{ending}"


def _read(path: Path | None) -> Mapping[str, Any]:
    if path is None:
        return {}
    try:
        with path.open("rb") as file:
            content = file.read(_SIZE_LIMIT + 1)
        if len(content) > _SIZE_LIMIT:
            raise CloudNotConfigured(f"{path} has more than {_SIZE_LIMIT:,} bytes")
    except OSError as error:
        raise CloudNotConfigured(
            f"cannot read {path}: {error.strerror}", hint="check the path, and who may read it"
        ) from error
    document = _parsed(content, path)
    if document is None:
        return {}
    if not isinstance(document, dict):
        raise CloudNotConfigured(f"{path} must be a table at its outermost")
    return document


def _parsed(content: bytes, path: Path) -> Any:
    if content.lstrip()[:1] == b"{":  # JSON is YAML, and read in a moment
        try:
            return plain_json.decode(content)
        except plain_json.WireError:
            pass  # YAML has braces, too
    return _from_yaml(content, path)


def _from_yaml(content: bytes, path: Path) -> Any:
    import yaml  # noqa: PLC0415  # dear, and few files need it

    class Loader(yaml.SafeLoader):
        """Plain data; merge keys (`<<`) cannot make billions of entries from a few lines."""

        def flatten_mapping(self, node: yaml.MappingNode) -> None:
            super().flatten_mapping(node)
            if len(node.value) > _ENTRIES_LIMIT:
                raise yaml.YAMLError("too many entries")

    try:
        return yaml.load(content, Loader)  # noqa: S506  # derives from SafeLoader
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        where = getattr(error, "problem_mark", None)
        line = f" in line {where.line + 1}" if where else ""  # the error itself may quote a secret
        raise CloudNotConfigured(
            f"{path} is not YAML that can be read{line}", hint="mend it with an editor"
        ) from None


def _table(document: Mapping[str, Any], key: str, place: str) -> Mapping[str, Any]:
    found = document.get(key) or {}
    if not isinstance(found, Mapping):
        raise CloudNotConfigured(f"{place}: {key} must be a table of clouds")
    return found


def _merged(below: Any, above: Any) -> Any:
    """Two tables, one laid over the other, also those in them."""
    if not isinstance(below, Mapping) or not isinstance(above, Mapping):
        return below if above is None else above
    merged = dict(below)
    for key, value in above.items():
        merged[key] = _merged(below.get(key), value)
    return merged
