"""Ask one promise plugin, under the Python of its release; see `plugin_launcher` for how."""

from __future__ import annotations

import functools
import json
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path

from pelagos.core import wire
from pelagos.slap.agent.account import owner_of
from pelagos.slap.agent.process import Finished
from pelagos.slap.agent.untrusted import read_untrusted

_LAUNCHER = Path(__file__).with_name("plugin_launcher.py")
_LIBRARY = Path(__file__).parents[1] / "promise.py"
VARIABLE = "PELAGOS_PROMISE"
#: Bytes of an answer: a message of 5,000 characters, each written with six at the most.
ANSWER_LIMIT = 64 * 1024
#: Seconds between two runs of a promise that does not say.
PERIODICITY = 120.0


class Mode(StrEnum):
    """Why promises are asked."""

    TEST = "test"  # the instance is being processed: may it count as started?
    ANOMALY = "anomaly"  # it was well before: has something gone wrong?


@dataclass(frozen=True, slots=True)
class Asked:
    """How promises are asked this time.

    Attributes:
        python: the interpreter of the release and its arguments; empty = this one.
        config: what plugins are told of their instance; holds the partition's token.
    """

    mode: Mode = Mode.TEST
    python: tuple[str, ...] = ()
    config: Mapping[str, str] = field(default_factory=dict, repr=False)


@dataclass(frozen=True, slots=True)
class Answer:
    """What a plugin said.

    Attributes:
        is_silent: it has nothing to say in this mode.
        periodicity: seconds.
        may_bang: whether its anomaly has the instance processed again.
    """

    is_held: bool
    message: str
    is_silent: bool = False
    periodicity: float = PERIODICITY
    may_bang: bool = True


def find_plugins(folder: Path) -> tuple[Path, ...]:
    """The Python files in a partition's `etc/plugin`, by name."""
    try:
        entries = sorted((folder / "etc" / "plugin").iterdir())
    except (FileNotFoundError, NotADirectoryError):
        return ()
    return tuple(
        path
        for path in entries
        if path.suffix == ".py" and path.name != "__init__.py" and path.name[0] not in "._"
        if path.is_file()
    )


def release_python(release: Path) -> tuple[str, ...]:
    """The interpreter of a release: that of its `bin/buildout`."""
    try:
        owner = owner_of(release.parent)
    except OSError:
        return ()
    path = release / "bin" / "buildout"
    content = read_untrusted(path, limit=4096, owner=owner, follow=True) or b""
    first = content.partition(b"\n")[0].decode(errors="replace").strip()
    words = first.removeprefix("#!").split() if first.startswith("#!") else []
    return tuple(words[:1])


def command(asked: Asked) -> Sequence[str]:
    """What is run: our code as an argument, because a partition's user may not read our files.

    The question goes with the environment, where others cannot read it.
    """
    return [*(asked.python or (sys.executable,)), "-I", "-B", "-c", _source(_LAUNCHER)]


@functools.cache
def _source(path: Path) -> str:
    return path.read_text("utf-8")


def question(path: Path, folder: Path, asked: Asked) -> Mapping[str, str]:
    """The question as a variable."""
    config = {
        **asked.config,
        "name": path.name,
        "path": str(path),
        "partition-folder": str(folder),
        "log-folder": str(folder / ".slapgrid" / "promise" / "log"),
        "debug": False,
    }
    asks = {"config": config, "mode": asked.mode.value, "library": _source(_LIBRARY)}
    return {VARIABLE: json.dumps(asks)}


def read_answer(done: Finished) -> Answer:
    """What the launcher's output means."""
    if not done.output:
        return Answer(False, f"it ended without a result (exit status {done.status})")
    try:
        found = wire.decode(done.output.encode(), dict[str, object])
        error, result = found.get("error"), found.get("result")
        if error is not None:
            return Answer(False, str(error))
        periodicity, may_bang = float(str(found["periodicity"])) * 60.0, bool(found["may_bang"])
        if not isinstance(result, dict):
            return Answer(True, "", True, periodicity, may_bang)
        failed, message = bool(result["failed"]), str(result["message"])
    except (wire.WireError, KeyError, ValueError):
        return Answer(False, "its answer cannot be read")
    return Answer(not failed, message, False, periodicity, may_bang)
