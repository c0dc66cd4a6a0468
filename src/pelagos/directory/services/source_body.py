"""What clients send to make or change a source, read and checked. Pure."""

from __future__ import annotations

import unicodedata
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Self

from pelagos.core import spelling, wire
from pelagos.directory.errors import InvalidError
from pelagos.directory.settings import COMMON_KEYS
from pelagos.directory.settings.masking import MASK, masked, unmasked

#: Back-ends of which whoever may make sources can make one: they reach what the source's own keys
#: give them a login for. Others read files of this machine, or use a login of its own.
HARMLESS = frozenset({
    "conference", "csv_ws", "dird_phonebook", "ldap", "personal", "phonebook", "sample", "wazo",
    "xivo",
})  # fmt: skip

_PROFILE = "default"  # asks a source that names no profiles
_LONGEST = 255  # characters of a name
_MOST_BYTES = 64 * 1024  # of a source's keys
#: What an answer has besides the keys; a client may send it back.
_TOLD = ("uuid", "is_kept", "is_loaded", "error")


@dataclass(frozen=True, slots=True)
class SourceBody:
    """What a source is to be.

    Attributes:
        profiles: names of those that ask it.
        config: the keys of its back-end; a secret may be `MASK`.
    """

    name: str
    profiles: tuple[str, ...]
    config: Mapping[str, Any]

    @classmethod
    def of(
        cls, body: object, backend: str, known: Collection[str], *, is_trusted: bool = False
    ) -> Self:
        """Read a body.

        Args:
            backend: whose source it is.
            known: names of the profiles that there are.
            is_trusted: whether any back-end will do, and its keys may name files.

        Raises:
            InvalidError: it cannot be that of a source; says all that is wrong.
        """
        if not isinstance(body, Mapping):
            raise InvalidError(["a source is a JSON object with `name` and its keys"])
        config = {key: value for key, value in body.items() if key not in _TOLD}
        if len(wire.encode(config)) > _MOST_BYTES:
            raise InvalidError([f"the keys have more than {_MOST_BYTES:,} bytes"])
        name, profiles = config.pop("name", None), config.pop("profiles", None)
        kinds = [config.pop(key, backend) for key in ("type", "backend")]
        if profiles is None:
            profiles = [_PROFILE] if _PROFILE in known else []
        reasons = [*_of_name(name), *_of_profiles(profiles, known)]
        if kinds != [backend, backend]:
            reasons.append(f"its back-end is {backend}, as the URL says")
        if not is_trusted:
            reasons += _untrusted(backend, config)
        if reasons:
            raise InvalidError(reasons)
        return cls(name, tuple(dict.fromkeys(profiles)), config)

    def with_secrets(self, former: Mapping[str, Any]) -> dict[str, Any]:
        """The keys, with the kept secrets where their masks are.

        Args:
            former: the keys that are kept; empty for a new source.

        Raises:
            InvalidError: a mask for which there is none, or whose secret would go elsewhere.
        """
        if not _has_mask(self.config):
            return dict(self.config)
        shown = masked(former)
        found: dict[str, Any] = unmasked(self.config, shown, former)
        if _has_mask(found):
            raise InvalidError([f"a value is {MASK}, and there is no secret that it stands for"])
        keys = (self.config.keys() | shown.keys()) - {*COMMON_KEYS}
        changed = sorted(key for key in keys if self.config.get(key) != shown.get(key))
        if changed:
            raise InvalidError(
                [f"{', '.join(changed)} changed: give the secrets again, not {MASK}"]
            )
        return found


def _has_mask(config: Any) -> bool:
    return MASK in wire.encode(config).decode()


def _of_name(name: Any) -> Iterator[str]:
    if (
        not isinstance(name, str)
        or not 1 <= len(name) <= _LONGEST
        or name != name.strip()
        or any(unicodedata.category(char) in {"Cc", "Cs"} for char in name)
    ):
        yield f"name: a text of 1 to {_LONGEST} characters is needed"


def _of_profiles(profiles: Any, known: Collection[str]) -> Iterator[str]:
    if not isinstance(profiles, list) or not all(isinstance(one, str) for one in profiles):
        yield "profiles: a list of names is needed"
        return
    for one in profiles:
        if one not in known:
            hint = spelling.hint(one, sorted(known), quoted=True)
            yield f"profiles: there is no profile {one!r}; {hint}"


def _untrusted(backend: str, config: Mapping[str, Any]) -> list[str]:
    """What a source must not be, unless the configuration trusts those who make it."""
    how = f"services.kept_sources.trusted of the configuration may name {backend}"
    if backend not in HARMLESS:
        return [f"sources of {backend} use files or logins of this machine; {how}"]
    return [f"{key}: it names a file of this machine; {how}" for key in _files(config)]


def _files(config: Mapping[str, Any], where: str = "") -> list[str]:
    found = []
    for key, value in config.items():
        if isinstance(value, Mapping) and key != "format_columns":
            found += _files(value, f"{where}{key}.")
        elif key == "file" or key.endswith("_file"):
            found.append(where + key)
    return found
