"""`pelagos service exec`: a program in the place of a service."""

from __future__ import annotations

import os
import pwd
from pathlib import Path

from pelagos.cli.argument import Operand
from pelagos.cli.command import Command
from pelagos.cli.commands.service import SERVICE
from pelagos.cli.failures import CommandError
from pelagos.cli.here import partition_folder

_NOT_EXECUTABLE = 126
_NOT_FOUND = 127


class ServiceExec(Command):
    """Run a program in the folder of a service, as the service's user and with its environment.

    The service's computer must be this one. Without a program it is a shell. The program takes
    the place of this one: its input, output and exit code are this command's.
    """

    operands = {"service": SERVICE, "program": Operand("the program and what it is given")}
    examples = ("pelagos service exec hello -- ls -la etc/service",)

    def main(self, service: str, *program: str) -> None:
        """Become it."""
        from pelagos.slap.agent.process import clean_environment

        folder = partition_folder(self.context, service, what="the files", command="service exec")
        words = program or (self.context.environ.get("SHELL") or "/bin/sh",)
        environ = clean_environment(self.context.environ, folder)
        if "TERM" in self.context.environ:
            environ["TERM"] = self.context.environ["TERM"]
        self.context.stdout.flush()
        try:
            owner = folder.stat()
            if os.geteuid() == 0 and owner.st_uid != 0:
                environ |= _become(owner.st_uid, owner.st_gid)
            os.chdir(folder)
        except OSError as error:
            raise CommandError(
                f"{folder} cannot be entered: {error.strerror}",
                hint="run this as the user that runs the agent, or as root",
            ) from error
        _replace(words, environ, folder)


def _become(uid: int, gid: int) -> dict[str, str]:
    """Give up root for good; returns what the environment says of the user."""
    try:
        name = pwd.getpwuid(uid).pw_name
    except KeyError:
        name = str(uid)
        os.setgroups([gid])
    else:
        os.initgroups(name, gid)
    os.setresgid(gid, gid, gid)
    os.setresuid(uid, uid, uid)
    return {"USER": name, "LOGNAME": name}


def _replace(words: tuple[str, ...], environ: dict[str, str], folder: Path) -> None:
    try:
        os.execvpe(words[0], words, environ)  # noqa: S606 - the person's own program
    except FileNotFoundError as error:
        raise CommandError(
            f"there is no program {words[0]!r} in {folder} or on its PATH",
            hint="name it by its path below that folder, or one of the system's",
            code=_NOT_FOUND,
        ) from error
    except (OSError, ValueError) as error:
        raise CommandError(
            f"{words[0]!r} cannot be run: {getattr(error, 'strerror', None) or error}",
            hint="see that it is executable and has a `#!` line or is a binary",
            code=_NOT_EXECUTABLE,
        ) from error
