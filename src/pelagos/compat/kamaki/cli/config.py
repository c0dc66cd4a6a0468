"""The ancestor's file of settings: ~/.kamakirc, or KAMAKI_CONFIG; read, changed and written."""

from __future__ import annotations

import io
import os
import re
from configparser import Error, RawConfigParser
from pathlib import Path
from typing import Any

from pelagos.compat.kamaki.cli.errors import CLIError
from pelagos.compat.kamaki.defaults import CACERTS_DEFAULT_PATH
from pelagos.core.files import write_atomic

__all__ = ["Config", "InvalidCloudNameError"]

CLOUD_PREFIX = "cloud"

_NAME = re.compile(r"[~@#$:.\-\w]+\Z")
_SECTION = re.compile(r"""cloud\s+(?P<quote>["']?)(?P<name>.+?)(?P=quote)\Z""")
_HEADER = "# Kamaki configuration file\n"

_COMMANDS = {
    "astakos": ("user", "quota", "resource", "project", "membership"),
    "pithos": ("file", "container", "sharer", "group"),
    "cyclades": ("server", "flavor", "keypair"),
    "network": ("network", "subnet", "port", "ip"),
    "blockstorage": ("volume", "snapshot"),
    "image": ("image", "imagecompute"),
    "config": ("config",),
    "history": ("history",),
}
DEFAULTS: dict[str, dict[str, Any]] = {
    "global": {
        "default_cloud": "",
        "colors": "off",
        "log_file": "~/.kamaki.log",
        "log_token": "off",
        "log_data": "off",
        "log_pid": "off",
        "history_file": "~/.kamaki.history",
        "history_limit": "0",
        "ignore_ssl": "off",
        "ca_certs": CACERTS_DEFAULT_PATH,
        **{f"{group}_cli": module for module, groups in _COMMANDS.items() for group in groups},
    },
    CLOUD_PREFIX: {},
}


class InvalidCloudNameError(CLIError):
    """A cloud cannot be called so."""


class Config:
    """What the file says, what a program puts before it, and what counts where both are silent.

    Args:
        path: of the file; None: KAMAKI_CONFIG, or else ~/.kamakirc. It may be missing.
        with_defaults: whether there are defaults.

    Attributes:
        path: of the file.

    Raises:
        CLIError: it cannot be read.
    """

    def __init__(self, path: str | None = None, with_defaults: bool = True) -> None:
        self.path = str(
            path or os.environ.get("KAMAKI_CONFIG") or Path("~/.kamakirc").expanduser()
        )
        self._defaults = DEFAULTS if with_defaults else {}
        self._overrides: dict[str, dict[str, Any]] = {}
        self._sections: dict[str, dict[str, Any]] = {}
        self.reload()

    def reload(self, path: str | None = None) -> None:
        """Read the file anew, or another one; what a program has overridden stays.

        Raises:
            CLIError: it cannot be read.
        """
        self.path = str(path or self.path)
        parser = RawConfigParser(strict=False, allow_no_value=True)
        try:
            parser.read_string(Path(self.path).expanduser().read_text("utf-8"), self.path)
        except FileNotFoundError:
            pass
        except OSError as error:
            raise CLIError(f"cannot read {self.path}: {error.strerror}", importance=3) from error
        except (Error, ValueError):  # its text quotes the line, which may hold a token
            raise CLIError(f"{self.path} is no file of sections", importance=3) from None
        self._sections = {}
        for section in parser.sections():
            said = {name: value or "" for name, value in parser.items(section)}
            if section.startswith(CLOUD_PREFIX) and section != CLOUD_PREFIX:
                clouds = self._sections.setdefault(CLOUD_PREFIX, {})
                clouds[self.cloud_name(section) or section] = said
            else:
                self._sections.setdefault(section, {}).update(said)

    @classmethod
    def cloud_name(cls, full_section_name: str) -> str | None:
        """The name in the title of a cloud's section; None when it is none.

        Raises:
            InvalidCloudNameError: no cloud can be called so.

        >>> Config.cloud_name('cloud "okeanos"')
        'okeanos'
        """
        found = _SECTION.match(full_section_name)
        if found is None:
            return None
        if not _NAME.match(found["name"]):
            raise InvalidCloudNameError(
                f"no cloud can be called {found['name']!r}",
                ["letters, digits and ~ @ # $ : . - _ can be in the name"],
            )
        return found["name"]

    # ---- read

    def sections(self) -> list[str]:
        """The sections of the file and of the defaults."""
        return list(dict.fromkeys([*self._defaults, *self._sections]))

    def apis(self) -> list[str]:
        """The sections but `global`."""
        return [one for one in self.sections() if one != "global"]

    def has_section(self, section: str) -> bool:
        """Whether there is one."""
        return section in self.sections()

    def get(self, section: str, option: str) -> Any:
        """A value; None when nobody says it. Of the section `cloud`, a cloud as a mapping."""
        section, option = _dotted(section, option)
        if section.startswith(f"{CLOUD_PREFIX}."):
            return self._cloud(section.partition(".")[2]).get(option)
        for place in (self._overrides, self._sections, self._defaults):
            if option in place.get(section, {}):
                value = place[section][option]
                return dict(value) if isinstance(value, dict) else value
        return None

    def get_global(self, option: str) -> Any:
        """A value of the section `global`."""
        return self.get("global", option)

    def get_cloud(self, cloud: str, option: str | None = None) -> Any:
        """A value of a cloud, or all of it.

        Raises:
            KeyError: there is no such cloud, or it does not say that.
        """
        if cloud not in self._clouds():
            raise KeyError(f"no cloud is called {cloud!r}")
        said = self._cloud(cloud)
        return said if option is None else said[option]

    def _clouds(self) -> dict[str, dict[str, Any]]:
        return {
            **self._sections.get(CLOUD_PREFIX, {}),
            **self._overrides.get(CLOUD_PREFIX, {}),
        }

    def _cloud(self, name: str) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for place in (self._sections, self._overrides):
            found |= place.get(CLOUD_PREFIX, {}).get(name, {})
        return found

    def keys(self, section: str) -> list[str]:
        """The names of a section's values."""
        return list(self._said(section))

    def items(self, section: str, include_defaults: bool = False) -> list[tuple[str, Any]]:
        """Names and values of a section."""
        before = self._defaults.get(section, {}) if include_defaults else {}
        return list({**before, **self._said(section)}.items())

    def _said(self, section: str) -> dict[str, Any]:
        if section.startswith(f"{CLOUD_PREFIX}."):
            return self._cloud(section.partition(".")[2])
        return {**self._sections.get(section, {}), **self._overrides.get(section, {})}

    # ---- change

    def override(self, section: str, option: str, value: Any) -> None:
        """Let a value count in this process, whatever the file says; it is not written."""
        section, option = _dotted(section, option)
        _put(self._overrides, section, option, value)

    def set(self, section: str, option: str, value: Any) -> None:
        """Change a value, to be written by `write`.

        Raises:
            InvalidCloudNameError: no cloud can be called so.
            CLIError: the name of the value is not ASCII.
        """
        section, option = _dotted(section, option)
        if section == CLOUD_PREFIX and isinstance(value, dict):
            for name, one in value.items():
                self.set_cloud(option, name, one)
            return
        if not option.isascii():
            raise CLIError(f"{option!r} cannot be a name: it is not ASCII")
        if section.startswith(f"{CLOUD_PREFIX}."):
            self.cloud_name(f'cloud "{section.partition(".")[2]}"')
        _put(self._sections, section, option, value)

    def set_global(self, option: str, value: Any) -> None:
        """Change a value of the section `global`."""
        self.set("global", option, value)

    def set_cloud(self, cloud: str, option: str, value: Any) -> None:
        """Change a value of a cloud; the cloud is made when it is not there.

        Raises:
            InvalidCloudNameError: no cloud can be called so.
        """
        self.set(f"{CLOUD_PREFIX}.{cloud}", option, value)

    def remove_option(self, section: str, option: str, also_remove_default: bool = False) -> None:
        """Remove a value, if it is there; of the section `cloud`, a whole cloud."""
        section, option = _dotted(section, option)
        for place in (self._sections, self._overrides):
            said = place.get(section, {})
            if section.startswith(f"{CLOUD_PREFIX}."):
                said = place.get(CLOUD_PREFIX, {}).get(section.partition(".")[2], {})
            said.pop(option, None)
        if also_remove_default and option in self._defaults.get(section, {}):
            own = {name: dict(values) for name, values in self._defaults.items()}
            del own[section][option]
            self._defaults = own

    def remove_from_cloud(self, cloud: str, option: str) -> None:
        """Remove a value of a cloud.

        Raises:
            KeyError: there is no such cloud.
        """
        if cloud not in self._clouds():
            raise KeyError(f"no cloud is called {cloud!r}")
        self.remove_option(f"{CLOUD_PREFIX}.{cloud}", option)

    def write(self) -> None:
        """Write the file, whole, for its owner alone to read.

        Raises:
            OSError: it cannot be written.
        """
        parser = RawConfigParser()
        for section, said in self._sections.items():
            titled = (
                {f'cloud "{name}"': one for name, one in said.items()}
                if section == CLOUD_PREFIX
                else {section: said}
            )
            for title, values in titled.items():
                parser[title] = {name: str(value) for name, value in values.items()}
        text = io.StringIO()
        text.write(_HEADER)
        parser.write(text)
        write_atomic(Path(self.path).expanduser(), text.getvalue(), mode=0o600)


def _dotted(section: str, option: str) -> tuple[str, str]:
    """`cloud.NAME.url` under any section, and a section as its title writes it, in one form."""
    if section.startswith(CLOUD_PREFIX) and (name := Config.cloud_name(section)):
        return f"{CLOUD_PREFIX}.{name}", option
    if section in {"", CLOUD_PREFIX} and option.startswith(f"{CLOUD_PREFIX}."):
        option = option.removeprefix(f"{CLOUD_PREFIX}.")
        name, dot, rest = option.rpartition(".")
        return (f"{CLOUD_PREFIX}.{name}", rest) if dot else (CLOUD_PREFIX, option)
    return section, option


def _put(place: dict[str, dict[str, Any]], section: str, option: str, value: Any) -> None:
    if section.startswith(f"{CLOUD_PREFIX}."):
        clouds = place.setdefault(CLOUD_PREFIX, {})
        clouds.setdefault(section.partition(".")[2], {})[option] = value
    else:
        place.setdefault(section, {})[option] = value
