"""The program that is run: what a text `module:Name` stands for, found and made."""

from __future__ import annotations

import importlib
import logging
import os
import sys
import traceback
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any, cast

from pelagos.core.errors import ConfigError, PelagosError
from pelagos.messaging.consumer.consumer import GenericConsumer
from pelagos.messaging.errors import MessagingError
from pelagos.messaging.middleware import Middleware
from pelagos.messaging.runner.team import Worker

log = logging.getLogger(__name__)


class NotMadeError(MessagingError):
    """A class or function of a program failed to make its worker; the cause is its own error.

    Attributes:
        may_pass: it may succeed another time, as what it needs may be there then.
    """

    may_pass = True


class NoWorkerError(MessagingError, ConfigError):
    """What a program makes is no worker, or one that would have nothing to do."""


@dataclass(frozen=True, slots=True)
class Target:
    """Makes the worker that a text `module:Name` stands for; can be sent to other processes.

    A class is called with a fingerprint of its own name and, where it is given, `bus`; a function
    is called with nothing.

    Attributes:
        watch: makes middlewares, in each process, that a class gets beside its own; a function of
            a module or an object that can be sent there.
    """

    path: str
    bus: str | None = None
    watch: Callable[[], Sequence[Middleware]] | None = None

    def __call__(self) -> Worker:
        """A new worker.

        Raises:
            MessagingError: there is no such module or name, or it cannot be made.
            NoWorkerError: it is no worker, or reads nothing.
        """
        found = self.find()
        if isinstance(found, type):
            options: dict[str, Any] = {} if self.bus is None else {"bus": self.bus}
            if self.watch is not None:
                options["middlewares"] = (*getattr(found, "middlewares", ()), *self.watch())
            made = self._made(found, {"name": found.__name__, "type": "processor"}, **options)
        else:
            made = self._made(found)
        if not (hasattr(made, "consumer") and hasattr(made, "dispatch")):
            raise NoWorkerError(
                f"{self.path} makes a {type(made).__name__}, which is no processor",
                hint="name a class derived from MessageProcessor, or a function that makes one",
            )
        worker = cast("Worker", made)
        self._check_reads(worker.consumer)
        return worker

    def _check_reads(self, consumer: GenericConsumer) -> None:
        if not consumer.bindings:
            raise NoWorkerError(
                f"{self.path} reads no queue, and would wait for ever",
                hint="give its class an eqk = [(Exchange, [(queue, key)])]",
            )
        if not consumer.bus.capabilities.crosses_processes:
            log.warning(
                "%s reads %s, which is inside this process: nobody else is on it",
                self.path,
                consumer.bus.url,
            )

    def _made(self, found: Callable[..., Any], *given: Any, **options: Any) -> Any:
        """What it returns.

        Raises:
            PelagosError: it does not want to.
            NotMadeError: it fails.
        """
        try:
            return found(*given, **options)
        except PelagosError:
            raise
        except Exception as error:  # other people's code, whatever it does
            wanted = ", ".join(["a fingerprint", *(f"{name}=" for name in options)])
            failed = NotMadeError(
                f"{self.path} cannot be made: {type(error).__name__}: {error}",
                hint=f"it is called with {wanted if given else 'nothing'}",
            )
            failed.may_pass = not isinstance(error, TypeError)
            raise failed from error

    def find(self) -> Any:
        """The class or function itself.

        Raises:
            MessagingError: there is none.
            NotMadeError: its module cannot be loaded.
        """
        module_name, _, name = self.path.partition(":")
        if not (module_name and name):
            raise MessagingError(
                f"{self.path!r} does not name a processor", hint="write MODULE:CLASS"
            )
        if "/" in module_name or module_name.endswith(".py"):
            raise MessagingError(
                f"{module_name} is a file, not a module",
                hint="name it as an import does, where it can be imported: "
                f"{module_name.rpartition('/')[2].removesuffix('.py')}:{name}",
            )
        if "" not in sys.path and os.getcwd() not in sys.path:  # noqa: PTH109 - as sys.path has it
            sys.path.insert(0, os.getcwd())  # noqa: PTH109 - as `python -m` does
        found: Any = self._module(module_name)
        for part in name.split("."):
            if not hasattr(found, part):
                raise MessagingError(f"{module_name} has no {name}")
            found = getattr(found, part)
        if not callable(found):
            raise MessagingError(f"{self.path} is not callable", hint="name a class or a function")
        return found

    def _module(self, name: str) -> ModuleType:
        try:
            return importlib.import_module(name)
        except PelagosError:
            raise
        except Exception as error:  # other people's code, whatever it does
            missing = error.name if isinstance(error, ModuleNotFoundError) else None
            if missing and f"{name}.".startswith(f"{missing}."):
                raise MessagingError(
                    f"there is no module {missing}", hint="run it where the module can be imported"
                ) from error
            raise NotMadeError(
                f"{self.path} cannot be loaded: {type(error).__name__}: {error}{_place(error)}",
                hint="mend that module" if missing is None else f"install {missing}, or mend it",
            ) from error


def _place(error: Exception) -> str:
    """The last line of the program before it was raised; a syntax error says that itself."""
    ours = str(Path(__file__).parents[2])
    frames = traceback.extract_tb(error.__traceback__)
    theirs = [one for one in frames if not one.filename.startswith(("<", ours))]
    if isinstance(error, SyntaxError) or not theirs:
        return ""
    return f" ({Path(theirs[-1].filename).name}, line {theirs[-1].lineno})"
