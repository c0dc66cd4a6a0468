"""The files of the ancestor's configuration, laid over each other as it did.

The strongest first: files of `sources.d`, files of `conf.d` in alphabetical order (of two that
define a value the first wins), the main file. Mappings are merged, lists and values replace each
other as a whole.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any

from pelagos.core.errors import ConfigError
from pelagos.directory.migration.documents import DocumentError, read_document
from pelagos.directory.migration.remark import Remark

#: Where the ancestor's package put its files; paths below it are looked for in the folder given.
HOMES = ("/etc/xivo-dird", "/etc/wazo-dird")


class TreeError(ConfigError):
    """There is no configuration of the ancestor in this place."""


@dataclass(frozen=True, slots=True)
class Tree:
    """What the files say together.

    Attributes:
        config: the whole configuration; its `sources` are by name, those of `sources.d` included.
        files: those that were read, the strongest last.
        remarks: what of the files could not be used.
    """

    config: Mapping[str, Any]
    files: tuple[Path, ...] = ()
    remarks: tuple[Remark, ...] = field(default_factory=tuple)


def read_tree(folder: Path, *, run_commands: bool = False) -> Tree:
    """Read a configuration folder, `/etc/xivo-dird` or a copy of it.

    Args:
        folder: the folder of `config.yml`, or that file itself under whatever name.
        run_commands: see `read_document`.

    Raises:
        TreeError: there is no main file, or it cannot be read.
    """
    main = folder if folder.is_file() else folder / "config.yml"
    return _Reader(main, run_commands=run_commands).read()


class _Reader:
    def __init__(self, main: Path, *, run_commands: bool) -> None:
        self._main = main
        self._run_commands = run_commands
        self._files: list[Path] = []
        self._remarks: list[Remark] = []

    def read(self) -> Tree:
        try:
            config = read_document(self._main, run_commands=self._run_commands)
        except DocumentError as error:
            raise TreeError(
                f"{self._main} {error.message}",
                hint=error.hint or "name the folder of the ancestor's config.yml",
            ) from error
        self._files.append(self._main)
        extra = self._folder(config, "extra_config_files", "conf.d")
        for path, found in reversed(
            list(self._documents(extra, is_wanted="extra_config_files" in config))
        ):
            self._files.append(path)
            config = overlay(config, found)
        sources = config.get("sources") or {}
        if not isinstance(sources, Mapping):
            self._remarks.append(Remark("sources", "a mapping is needed; left out"))
            sources = {}
        folder = self._folder(config, "source_config_dir", "sources.d")
        is_wanted = "source_config_dir" in config
        named = {str(name): value for name, value in sources.items()}
        for name, found in self._source_files(folder, is_wanted=is_wanted).items():
            former = named.get(name)
            named[name] = overlay(former, found) if isinstance(former, Mapping) else found
        return Tree({**config, "sources": named}, tuple(self._files), tuple(self._remarks))

    def _source_files(self, folder: Path, *, is_wanted: bool) -> dict[str, dict[str, Any]]:
        """One source each, by name; of two with the same name the first file is the stronger."""
        sources: dict[str, dict[str, Any]] = {}
        for path, found in self._documents(folder, is_wanted=is_wanted):
            name = found.get("name")
            if not isinstance(name, str | int) or isinstance(name, bool) or name == "":
                self._remarks.append(
                    Remark(str(path), "it has no name; ignored", "give it a `name`")
                )
                continue
            self._files.append(path)
            source = {**found, "name": str(name)}
            if str(name) in sources:
                what = f"another file has a source {name}, too; merged, the first one wins"
                self._remarks.append(Remark(str(path), what))
                source = overlay(source, sources[str(name)])
            sources[str(name)] = source
        return sources

    def _documents(
        self, folder: Path, *, is_wanted: bool
    ) -> Iterator[tuple[Path, dict[str, Any]]]:
        try:
            found = sorted(path for path in folder.iterdir() if _is_read(path))
        except OSError as error:
            if is_wanted or not isinstance(error, FileNotFoundError):
                what = f"cannot be read: {error.strerror}"
                self._remarks.append(Remark(str(folder), what, "its files are left out"))
            return
        for path in found:
            try:
                yield path, read_document(path, run_commands=self._run_commands)
            except DocumentError as error:
                what = f"{error.message}; skipped"
                self._remarks.append(Remark(str(path), what, error.hint or ""))

    def _folder(self, config: Mapping[str, Any], key: str, usual: str) -> Path:
        """Where the configuration says that files are, seen from where its main file is now."""
        here = self._main.parent
        value = config.get(key)
        if value is None:
            return here / usual
        if not isinstance(value, str) or "\0" in value:
            self._remarks.append(Remark(key, f"a folder is needed, not {value!r}"))
            return here / usual
        for home in HOMES:
            if PurePosixPath(value).is_relative_to(home):
                return here / PurePosixPath(value).relative_to(home)
        return here / value  # an absolute path stays what it is


def _is_read(path: Path) -> bool:
    return path.name.endswith(".yml") and not path.name.startswith(".")


def overlay(below: Mapping[str, Any], above: Mapping[str, Any]) -> dict[str, Any]:
    """Two mappings as one: what both have is merged when both are mappings, else `above` wins.

    >>> overlay({"foo": {"bar": 1, "other": 1}}, {"foo": {"baz": 2, "other": 2}})
    {'foo': {'bar': 1, 'other': 2, 'baz': 2}}
    """
    merged = dict(below)
    for key, value in above.items():
        former = merged.get(key)
        if isinstance(value, Mapping) and isinstance(former, Mapping):
            merged[key] = overlay(former, value)
        else:
            merged[key] = value
    return merged
