"""The configuration: one TOML file, the environment above it, and the places of both.

Sections are data descriptions that the programs read (`pelagos.plane.settings`). A key that no
section has, and a value of the wrong type, are errors that name the right one; nothing misspelt
is passed over in silence.

    data folder    --data, PELAGOS_DATA, $XDG_DATA_HOME/pelagos, ~/.local/share/pelagos
    file           --config, PELAGOS_CONFIG, $XDG_CONFIG_HOME/pelagos/config.toml,
                   ~/.config/pelagos/config.toml
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from dataclasses import MISSING, Field, dataclass, field, fields
from pathlib import Path
from typing import Any

from pelagos.core import toml
from pelagos.core.errors import ConfigError
from pelagos.core.setting import KINDS, TABLE, Setting

_PORT = {"least": 0, "most": 65535}
_POSITIVE = {"least": 0.001}


@dataclass(frozen=True, slots=True)
class PlaneConfig:
    """Where commands find the plane.

    Attributes:
        master_url: URL of the master. Empty: the plane that was started with the same data
            folder, so that nothing needs to be configured on one machine.
        directory_url: URL of the directory. Empty: as for master_url.
        token_file: file that holds your token, alone on one line. Empty: `token` in the data
            folder, where `pelagos up` writes the administrator's token.
        timeout: seconds that a command waits for one answer of the plane. 60, because a master
            that allocates for many clients at once may take a while, and a hanging one must not
            hang scripts.
    """

    master_url: str = ""
    directory_url: str = ""
    token_file: Path | None = None
    timeout: float = field(default=60.0, metadata=_POSITIVE)


@dataclass(frozen=True, slots=True)
class MasterConfig:
    """The master that `pelagos up` starts.

    Attributes:
        host: address to listen on. 127.0.0.1, because without TLS the token must not leave the
            machine.
        port: TCP port. 0: the one of the last start, or a free one, because services keep the
            master's address.
    """

    host: str = "127.0.0.1"
    port: int = field(default=0, metadata=_PORT)


@dataclass(frozen=True, slots=True)
class NodeConfig:
    """This machine as a computer of the plane.

    Attributes:
        computer_id: name of this computer in the plane. Empty: the one of the last start, or
            the host's name.
        partitions: number of instances that fit on this computer. 10, as SLAP's own standalone
            node has.
        poll_interval: seconds between two looks at the master when nothing wakes the agent. 5,
            which costs a master of 100 computers 20 small requests a second.
    """

    computer_id: str = ""
    partitions: int = field(default=10, metadata={"least": 1, "most": 10000})
    poll_interval: float = field(default=5.0, metadata=_POSITIVE)


@dataclass(frozen=True, slots=True)
class DirectoryConfig:
    """The directory that `pelagos up` starts.

    Attributes:
        port: TCP port. 0: the one of the last start, or a free one.
        settings: table with the sources, services and views of the directory. Empty: the
            services of this plane are its only source.
    """

    port: int = field(default=0, metadata=_PORT)
    settings: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class BusConfig:
    """The message bus between master and agents.

    Attributes:
        url: `memory:NAME` inside one process, or `amqp://USER:PASSWORD@HOST:PORT/VHOST` for a
            RabbitMQ that several computers share. memory:plane, because one computer needs no
            broker.
    """

    url: str = "memory:plane"


@dataclass(frozen=True, slots=True)
class Config:
    """All sections.

    Attributes:
        origins: for each dotted key that is set, what set it: "file" or the name of the variable.
    """

    plane: PlaneConfig = field(default_factory=PlaneConfig)
    master: MasterConfig = field(default_factory=MasterConfig)
    node: NodeConfig = field(default_factory=NodeConfig)
    directory: DirectoryConfig = field(default_factory=DirectoryConfig)
    bus: BusConfig = field(default_factory=BusConfig)
    origins: Mapping[str, str] = field(default_factory=dict)

    def get(self, key: str) -> Any:
        """The value of a dotted key.

        Raises:
            ConfigError: there is no such key.
        """
        setting = find_setting(key)
        return getattr(getattr(self, setting.section), setting.name)


SECTIONS: Mapping[str, type[Any]] = {
    "plane": PlaneConfig,
    "master": MasterConfig,
    "node": NodeConfig,
    "directory": DirectoryConfig,
    "bus": BusConfig,
}


# ---- the settings


def settings() -> Iterator[Setting]:
    """Every setting there is, in the order of the sections."""
    for section, kind in SECTIONS.items():
        about = _attributes(kind.__doc__ or "")
        for one in fields(kind):
            # `python -OO` has no docstrings; the settings work without their meanings.
            yield _setting(section, one, about.get(one.name, ""))


def find_setting(key: str) -> Setting:
    """The setting of a dotted key.

    Raises:
        ConfigError: there is none; the hint names the nearest.
    """
    known = {setting.key: setting for setting in settings()}
    if key not in known:
        raise _unknown("setting", key, known)
    return known[key]


def _setting(section: str, one: Field[Any], about: str) -> Setting:
    kind = KINDS[str(one.type)]
    # Keys of the plane are what every command needs: PELAGOS_MASTER_URL, PELAGOS_TOKEN_FILE.
    prefix = "PELAGOS_" if section == "plane" else f"PELAGOS_{section.upper()}_"
    return Setting(
        section=section,
        name=one.name,
        kind=kind,
        default=one.default_factory() if one.default_factory is not MISSING else one.default,
        about=about,
        variable="" if kind == TABLE else prefix + one.name.upper(),
        least=one.metadata.get("least"),
        most=one.metadata.get("most"),
    )


def _attributes(doc: str) -> dict[str, str]:
    """The texts below "Attributes:" of a docstring, by name, each on one line."""
    texts: dict[str, list[str]] = {}
    current: list[str] = []
    for line in doc.partition("Attributes:")[2].splitlines():
        if line.startswith(" " * 8) and not line.startswith(" " * 9):
            name, _, text = line.strip().partition(": ")
            current = texts.setdefault(name, [text])
        elif line.strip():
            current.append(line.strip())
    return {name: " ".join(lines) for name, lines in texts.items()}


def _unknown(kind: str, name: str, known: Mapping[str, Any], where: str = "") -> ConfigError:
    import difflib  # noqa: PLC0415 - only an error needs it

    near = difflib.get_close_matches(name, list(known), n=1, cutoff=0.5)
    hint = f"did you mean {near[0]}?" if near else f"there are: {', '.join(known)}"
    return ConfigError(f"{where + ': ' if where else ''}unknown {kind}: {name}", hint=hint)


# ---- places


def data_dir(environ: Mapping[str, str] = os.environ) -> Path:
    """The folder of everything that Pelagos keeps; it may not exist yet."""
    return _place(environ, "PELAGOS_DATA", "XDG_DATA_HOME", ".local/share", "pelagos")


def config_file(environ: Mapping[str, str] = os.environ) -> Path:
    """The configuration file; it may not exist."""
    return _place(environ, "PELAGOS_CONFIG", "XDG_CONFIG_HOME", ".config", "pelagos/config.toml")


def _place(environ: Mapping[str, str], own: str, base: str, below_home: str, rest: str) -> Path:
    if environ.get(own):
        return Path(environ[own]).expanduser().absolute()
    # The XDG specification: a relative path is to be ignored.
    if os.path.isabs(environ.get(base, "")):  # noqa: PTH117 - "" is no path
        return Path(environ[base], rest)
    return Path(environ.get("HOME") or _home(own), below_home, rest)


def _home(variable: str) -> Path:
    try:
        return Path.home()
    except RuntimeError as error:
        raise ConfigError(
            "this user has no home folder", hint=f"name a place with HOME or {variable}"
        ) from error


# ---- reading


def load(path: Path | None = None, environ: Mapping[str, str] = os.environ) -> Config:
    """Read the file, lay the environment over it and check all of it.

    Args:
        path: the file; None = where `config_file` says. Only a file that is named must exist.
        environ: the environment.

    Raises:
        ConfigError: the file cannot be read, or a key or value in it, or in the environment, is
            wrong.
    """
    where = path or config_file(environ)
    is_named = path is not None or bool(environ.get("PELAGOS_CONFIG"))
    table = toml.read(where) if is_named or where.exists() else {}
    values: dict[str, dict[str, Any]] = {section: {} for section in SECTIONS}
    origins: dict[str, str] = {}
    for setting, value in _from_table(table, where):
        values[setting.section][setting.name] = setting.check(value, str(where))
        origins[setting.key] = "file"
    for setting, text in _from_environment(environ):
        values[setting.section][setting.name] = setting.parse(text, setting.variable)
        origins[setting.key] = setting.variable
    sections = {name: kind(**values[name]) for name, kind in SECTIONS.items()}
    return Config(**sections, origins=origins)


def _from_table(table: Mapping[str, Any], where: Path) -> Iterator[tuple[Setting, Any]]:
    known = {setting.key: setting for setting in settings()}
    for section, content in table.items():
        if section not in SECTIONS:
            raise _unknown("section", section, SECTIONS, str(where))
        if not isinstance(content, Mapping):
            raise ConfigError(f"{where}: {section} must be a section: [{section}]")
        for name, value in content.items():
            key = f"{section}.{name}"
            if key not in known:
                names = {one.key: one for one in known.values() if one.section == section}
                raise _unknown("key", key, names, str(where))
            yield known[key], value


def _from_environment(environ: Mapping[str, str]) -> Iterator[tuple[Setting, str]]:
    for setting in settings():
        if setting.variable and environ.get(setting.variable):
            yield setting, environ[setting.variable]


# ---- writing


def set_value(path: Path, key: str, text: str) -> None:
    """Write one setting; comments and the order of the file stay.

    Args:
        path: the file; made, with its folder, when it is not there.
        key: dotted.
        text: the value as a person types it.

    Raises:
        ConfigError: there is no such key, the value is wrong, or the file cannot be written.
    """
    setting = find_setting(key)
    if setting.kind == TABLE:
        raise ConfigError(f"{key} is a table", hint=f"write it with an editor, in {path}")
    value = setting.parse(text, "config set")
    document = _document(path)
    section = document.setdefault(setting.section, {})
    section[setting.name] = str(value) if isinstance(value, Path) else value
    toml.write(path, document)


def delete_value(path: Path, key: str) -> bool:
    """Take one setting out of the file, so that its default holds; False when it was not there.

    Raises:
        ConfigError: there is no such key, or the file cannot be written.
    """
    setting = find_setting(key)
    document = _document(path)
    section = document.get(setting.section, {})
    if setting.name not in section:
        return False
    del section[setting.name]
    toml.write(path, document)
    return True


def _document(path: Path) -> Any:
    """The file as a document that can be changed; what is wrong in it must be mended first."""
    if path.exists():
        for setting, value in _from_table(toml.read(path), path):
            setting.check(value, str(path))
    return toml.open_document(path)
