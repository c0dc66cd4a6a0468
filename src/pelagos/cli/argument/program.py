"""Options that belong to a program: its settings, its version, its progress bars."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from pelagos.cli.argument.base import Argument, FlagArgument


class VersionArgument(FlagArgument):
    """Prints a version instead of running the command.

    Args:
        version: what is printed, the name of the program included.
    """

    def __init__(self, text: str, *names: str, version: str) -> None:
        super().__init__(text, *names)
        self.version = version

    def instead(self, value: Any) -> str | None:
        """The version, when it was asked for."""
        return self.version if value else None


class ConfigArgument(Argument):
    """A configuration file: the settings of Pelagos that it makes, the environment's included."""

    def __init__(self, text: str, *names: str, **rest: Any) -> None:
        super().__init__(text, *names, **{"metavar": "FILE", "complete": "file", **rest})

    def parse_one(self, text: str) -> Any:
        """The settings, a `pelagos.core.config.Config`.

        Raises:
            ConfigError: the file cannot be read, or something in it is wrong.
        """
        from pelagos.core import config
        from pelagos.plane.sections import SECTIONS

        return config.load(SECTIONS, Path(text).expanduser())


class ProgressBarArgument(FlagArgument):
    """A flag that keeps progress bars away; nobody sees one who does not watch stderr."""

    def bars(self, value: Any) -> Bars | None:
        """What makes the bars of a command; None when none is wanted, or nobody watches."""
        return None if value or not sys.stderr.isatty() else Bars()


class Bars:
    """A bar on stderr that is written over again.

    step = bars.get_generator("Sending")(3)
    next(step)  # 0 %
    next(step)  # 33 %
    bars.finish()
    """

    def __init__(self) -> None:
        self._is_begun = False

    def get_generator(
        self,
        message: str,
        message_len: int = 25,
        countdown: bool = False,
        timeout: float = 100.0,
    ) -> Callable[[int], Iterator[None]]:
        """What makes a generator of so many steps, each `next` of which moves the bar.

        Args:
            message: before the bar.
            message_len: columns for it.
            countdown: show the time that is left instead.
            timeout: seconds of that.
        """

        def make(steps: int) -> Iterator[None]:
            self._is_begun = True
            for step in range(int(steps) + 1):
                share = step / steps if steps else 1.0
                said = f"{timeout * (1 - share):.0f}s to timeout" if countdown else f"{share:.0%}"
                sys.stderr.write(f"\r{message:<{message_len}} {said:>16}")
                sys.stderr.flush()
                yield

        return make

    def finish(self) -> None:
        """End the line of the bar."""
        if self._is_begun:
            sys.stderr.write("\n")
            self._is_begun = False
