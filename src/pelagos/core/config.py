"""The configuration: one TOML file, the environment above it, and the places of both.

Which sections and keys there are, the programs say (see `Sections`). A key that no section has,
and a value of the wrong type, are errors that name the right one; nothing misspelt is passed over
in silence.

    data folder    --data, PELAGOS_DATA, $XDG_DATA_HOME/pelagos, ~/.local/share/pelagos
    file           --config, PELAGOS_CONFIG, $XDG_CONFIG_HOME/pelagos/config.toml,
                   ~/.config/pelagos/config.toml
"""

from __future__ import annotations

import os
from collections.abc import Collection, Container, Iterator, Mapping
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

from pelagos.core import command_groups, spelling, toml
from pelagos.core.errors import ConfigError
from pelagos.core.places import config_file, data_dir
from pelagos.core.section import Key, keys_of
from pelagos.core.setting import KINDS, TABLE, Setting

__all__ = [
    "Config",
    "Sections",
    "config_file",
    "data_dir",
    "delete_value",
    "find_setting",
    "load",
    "mistakes",
    "set_table",
    "set_value",
    "set_values",
    "setting_in",
    "settings",
]

T = TypeVar("T")

_NONE: Mapping[str, Any] = {}

Sections = Mapping[str, type[Any]]
"""The class of each section (see `pelagos.core.section`), by its name.

Each field is a key: its type (one of `pelagos.core.setting.KINDS`, as text: the module imports
annotations from __future__), its default, its limits (`metadata`: "least", "most") and, below
"Attributes:" of the docstring, its meaning. A class attribute VARIABLES, where there is one, is
what the names of the environment variables begin with; otherwise that is PELAGOS_SECTION_.
"""


class Config(NamedTuple):
    """What is configured.

    Attributes:
        values: the value of each section, by its name.
        origins: for each dotted key that is set, what set it: "file" or the name of the variable.
        groups: sections that are groups of commands, with all that the file says in them.
    """

    values: Mapping[str, Any]
    origins: Mapping[str, str] = _NONE
    groups: Mapping[str, Mapping[str, Any]] = _NONE

    def of(self, kind: type[T]) -> T:
        """The value of the section that this class describes."""
        return next(value for value in self.values.values() if isinstance(value, kind))

    def get(self, key: str) -> Any:
        """The value of a dotted key.

        Raises:
            ConfigError: there is no such key.
        """
        kinds = {name: type(value) for name, value in self.values.items()}
        setting = find_setting(kinds, key, self.groups)
        if setting.section not in self.values:
            return self.groups.get(setting.section, {}).get(setting.name, setting.default)
        return getattr(self.values[setting.section], setting.name)

    def group_settings(self) -> Iterator[Setting]:
        """The settings of the groups of commands, which only the file says."""
        for section, content in self.groups.items():
            for name in content:
                found = command_groups.setting(f"{section}.{name}", (), self.groups)
                if found is not None:
                    yield found


# ---- the settings


def settings(sections: Sections) -> Iterator[Setting]:
    """Every setting there is, in the order of the sections."""
    for section, kind in sections.items():
        about = _attributes(kind.__doc__ or "")
        variables = getattr(kind, "VARIABLES", f"PELAGOS_{section.upper()}_")
        for one in keys_of(kind):
            # `python -OO` has no docstrings; the settings work without their meanings.
            yield _setting(section, one, variables, about.get(one.name, ""))


def limits(kind: type[Any], name: str) -> Mapping[str, Any]:
    """The smallest and largest value of a key, as "least" and "most", as far as it has them."""
    metadata: Mapping[str, Any] = {one.name: one.metadata for one in keys_of(kind)}[name]
    return metadata


def check(sections: Sections, value: Any) -> None:
    """Refuse the value of a section that no file could say; for programs that make one.

    Raises:
        ConfigError: a value is of the wrong type or out of range.
    """
    own = {name: kind for name, kind in sections.items() if kind is type(value)}
    for setting in settings(own):
        found = getattr(value, setting.name)
        if found != setting.default:
            setting.check(found, "")


def find_setting(sections: Sections, key: str, groups: Container[str] = frozenset()) -> Setting:
    """The setting of a dotted key.

    Args:
        sections: what there may be.
        key: dotted.
        groups: the sections of a file that are groups of commands.

    Raises:
        ConfigError: there is none; the hint names the nearest, else those of its section.
    """
    known = {setting.key: setting for setting in settings(sections)}
    found = known.get(key) or command_groups.setting(key, sections, groups)
    if found is None:
        beside = [one for one in known if one.startswith(key.rpartition(".")[0] + ".")]
        raise _unknown("setting", key, known if spelling.nearest(key, known) else beside or known)
    return found


def _setting(section: str, one: Key, variables: str, about: str) -> Setting:
    kind = KINDS[one.type]
    return Setting(
        section=section,
        name=one.name,
        kind=kind,
        default=one.make(),
        about=about,
        variable="" if kind == TABLE else variables + one.name.upper(),
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


def _unknown(kind: str, name: str, known: Collection[str], where: str = "") -> ConfigError:
    message = f"{where + ': ' if where else ''}unknown {kind}: {name}"
    return ConfigError(message, hint=spelling.hint(name, known))


# ---- reading


def load(
    sections: Sections, path: Path | None = None, environ: Mapping[str, str] = os.environ
) -> Config:
    """Read the file, lay the environment over it and check all of it.

    Args:
        sections: what there may be.
        path: the file; None = where `config_file` says. Only a file that is named must exist.
        environ: the environment.

    Raises:
        ConfigError: the file cannot be read, or a key or value in it, or in the environment, is
            wrong.
    """
    where = path or config_file(environ)
    is_named = path is not None or bool(environ.get("PELAGOS_CONFIG"))
    table = toml.read(where) if is_named or where.exists() else {}
    values: dict[str, dict[str, Any]] = {section: {} for section in sections}
    origins: dict[str, str] = {}
    for setting, value in _from_table(sections, table, where):
        values[setting.section][setting.name] = setting.check(value, str(where))
        origins[setting.key] = "file"
    for setting, text in _from_environment(sections, environ):
        values[setting.section][setting.name] = setting.parse(text, setting.variable)
        origins[setting.key] = setting.variable
    made = {name: kind(**values[name]) for name, kind in sections.items()}
    groups = command_groups.found(table, sections)
    origins |= {f"{section}.{name}": "file" for section, said in groups.items() for name in said}
    return Config(made, origins, groups)


def mistakes(
    sections: Sections, table: Mapping[str, Any], where: Path, environ: Mapping[str, str]
) -> Iterator[ConfigError]:
    """All that is wrong in a file and in the environment, where `load` tells of the first.

    Args:
        sections: what there may be.
        table: of the file.
        where: the file.
        environ: the environment.
    """
    for section, content in table.items():
        is_known = section in sections and isinstance(content, Mapping)
        parts: list[Any] = [{name: content[name]} for name in content] if is_known else [content]
        for part in parts:
            try:
                for setting, value in _from_table(sections, {section: part}, where):
                    setting.check(value, str(where))
            except ConfigError as error:
                yield error
    for setting, text in _from_environment(sections, environ):
        try:
            setting.parse(text, setting.variable)
        except ConfigError as error:
            yield error


def _from_table(
    sections: Sections, table: Mapping[str, Any], where: Path
) -> Iterator[tuple[Setting, Any]]:
    known = {setting.key: setting for setting in settings(sections)}
    groups = command_groups.found(table, sections)
    for section, content in table.items():
        if section in groups:
            continue
        if section not in sections:
            raise _unknown("section", section, sections, str(where))
        if not isinstance(content, Mapping):
            raise ConfigError(f"{where}: {section} must be a section: [{section}]")
        for name, value in content.items():
            key = f"{section}.{name}"
            if key not in known:
                names = {one.key: one for one in known.values() if one.section == section}
                raise _unknown("key", key, names, str(where))
            yield known[key], value


def _from_environment(
    sections: Sections, environ: Mapping[str, str]
) -> Iterator[tuple[Setting, str]]:
    for setting in settings(sections):
        if setting.variable and environ.get(setting.variable):
            yield setting, environ[setting.variable]


# ---- writing


def set_value(sections: Sections, path: Path, key: str, text: str) -> None:
    """Write one setting; comments and the order of the file stay.

    Args:
        sections: what there may be.
        path: the file; made, with its folder, when it is not there.
        key: dotted.
        text: the value as a person types it.

    Raises:
        ConfigError: there is no such key, the value is wrong, or the file cannot be written.
    """
    setting = setting_in(sections, path, key)
    if setting.kind == TABLE:
        raise ConfigError(f"{key} is a table", hint="write it with an editor: pelagos config edit")
    value = setting.parse(text, "config set")
    with _changing(sections, path) as document:
        section = document.setdefault(setting.section, {})
        section[setting.name] = str(value) if isinstance(value, Path) else value


def set_table(
    sections: Sections, path: Path, key: str, table: Mapping[str, Any], *, replace: bool = False
) -> None:
    """Write a setting that is a table; comments and the order of the rest of the file stay.

    Args:
        sections: what there may be.
        path: the file; made, with its folder, when it is not there.
        key: dotted.
        table: what TOML can say.
        replace: whether the table may take the place of one that is in the file.

    Raises:
        ConfigError: there is no such key, it is no table, the file has one already, or cannot be
            written.
    """
    setting = find_setting(sections, key)
    if setting.kind != TABLE:
        raise ConfigError(f"{key} is no table", hint=f"pelagos config set {key} VALUE")
    with _changing(sections, path) as document:
        section = document.setdefault(setting.section, {})
        if section.get(setting.name) and not replace:
            raise ConfigError(
                f"{path} has {key} already", hint="say --replace to put the new one in its place"
            )
        section[setting.name] = toml.as_item(table)


def set_values(
    sections: Sections, path: Path, values: Mapping[str, Any], *, replace: bool = False
) -> None:
    """Write several settings at once, or none; comments and the order of the file stay.

    Args:
        sections: what there may be.
        path: the file; made, with its folder, when it is not there.
        values: by their dotted keys, of the settings' types.
        replace: whether they may take the place of others that are in the file.

    Raises:
        ConfigError: there is no such key, a value is wrong, the file says something else already,
            or cannot be written.
    """
    taken = []
    with _changing(sections, path) as document:
        for key, value in values.items():
            setting = find_setting(sections, key)
            checked = setting.check(value, "")
            section = document.setdefault(setting.section, {})
            plain: Any = str(checked) if isinstance(checked, Path) else checked
            if setting.name in section and section[setting.name] != plain:
                taken.append(key)
            section[setting.name] = toml.as_item(plain) if setting.kind == TABLE else plain
        if taken and not replace:
            raise ConfigError(
                f"{path} says something else of {', '.join(taken)} already",
                hint="say --replace to put the new ones in their place",
            )


def delete_value(sections: Sections, path: Path, key: str) -> bool:
    """Take one setting out of the file, so that its default holds; False when it was not there.

    What does not belong into the file can be taken out of it, too, whatever else is wrong there.
    Without its `cli` a section is no group of commands any more: it goes as a whole.

    Raises:
        ConfigError: there is no such key, or the file cannot be written.
    """
    title, _, name = key.partition(".")
    table = toml.read(path) if path.exists() else {}
    content = table.get(title)
    if not isinstance(content, Mapping) or name not in content:
        setting_in(sections, path, key)
        return False
    is_no_group = title not in sections and name == command_groups.SAYS
    with toml.changing(path) as document:
        section = document[title]
        del section[name]
        if is_no_group or not section.unwrap():  # it says nothing; its comments go with it
            del document[title]
    return True


def setting_in(sections: Sections, path: Path, key: str) -> Setting:
    """The setting of a dotted key, which may be one of a group of commands in this file.

    Raises:
        ConfigError: there is none, or the file cannot be read.
    """
    groups = command_groups.found(toml.read(path), sections) if path.exists() else {}
    return find_setting(sections, key, groups)


def _changing(sections: Sections, path: Path) -> AbstractContextManager[Any]:
    """The file as a document to change; what is wrong in it must be mended first."""
    if path.exists():
        for setting, value in _from_table(sections, toml.read(path), path):
            setting.check(value, str(path))
    return toml.changing(path)
