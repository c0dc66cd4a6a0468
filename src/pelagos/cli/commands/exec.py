"""`pelagos service exec`: a program in the place of a service."""

from __future__ import annotations

import os
import pwd
import signal
from pathlib import Path

from pelagos.cli.argument import Operand, SecondsArgument
from pelagos.cli.command_base import Command
from pelagos.cli.commands.service import SERVICE
from pelagos.cli.failures import CommandError, UsageError
from pelagos.cli.here import Elsewhere, partition_folder
from pelagos.cli.registration import command
from pelagos.cli.tree import CommandTree

_service_commands = CommandTree("service")

_NOT_EXECUTABLE = 126
_NOT_FOUND = 127
_TIMED_OUT = 124


@command(_service_commands)
class ServiceExec(Command):
    """Run a program in the folder of a service: as its user, with its environment.

    Without a program it is a shell. The program takes the place of this one: its input, output and
    exit code are this command's. When the service's computer is another one, its agent runs the
    program, if that computer's settings allow it: without input, for a while, and what it wrote
    is printed when it has ended.
    """

    is_apart = True

    arguments = {
        "timeout": SecondsArgument(
            "on another computer: how long it may run; default 30s, at most 5m", "--timeout"
        ),
    }
    operands = {"service": SERVICE, "program": Operand("the program and what it is given")}
    examples = ("pelagos service exec hello -- ls -la etc/service",)

    def main(self, service: str, *program: str) -> int:
        """Become it."""
        from pelagos.slap.agent.process import clean_environment

        rest = ("--", *program) if program else ()
        try:
            folder = partition_folder(
                self.context, service, what="the files", command="service exec", more=rest
            )
        except Elsewhere as there:
            return self._run_from_afar(service, program, there)
        if self["timeout"] is not None:
            raise UsageError(
                "--timeout is for a service on another computer; here a program may run for ever",
                hint="leave --timeout out",
            )
        words = program or (self.context.environ.get("SHELL") or "/bin/sh",)
        environ = clean_environment(self.context.environ, folder)
        if "TERM" in self.context.environ:
            environ["TERM"] = self.context.environ["TERM"]
        self.context.stdout.flush()
        try:
            owner = folder.stat()
            os.chdir(folder)
            if os.geteuid() == 0 and owner.st_uid != 0:
                _leave_the_terminal()
                environ |= _become(owner.st_uid, owner.st_gid)
        except OSError as error:
            raise CommandError(
                f"{folder} cannot be entered: {error.strerror}",
                hint="run this as the user that runs the agent, or as root",
            ) from error
        _replace(words, environ, folder)
        return 0  # never: it is another program now

    def _run_from_afar(self, service: str, words: tuple[str, ...], there: Elsewhere) -> int:
        from pelagos.cli.afar import asked, pass_on
        from pelagos.slap.remote import LONGEST_RUN, USUAL_RUN

        if not words:
            raise UsageError(
                "name a program: a shell can be had on the service's computer only",
                hint=f"pelagos service exec {service} -- PROGRAM ARGUMENT…\n{there.hint or ''}",
            )
        seconds = USUAL_RUN if self["timeout"] is None else self["timeout"]
        if not 0 < seconds <= LONGEST_RUN:
            raise UsageError(
                f"--timeout: on another computer a program has at most {LONGEST_RUN / 60:g}m",
                hint="what takes longer is a service, or runs on that computer itself",
            )
        ran = asked(lambda: self.context.master.run(service, words, seconds=seconds), there)
        pass_on(ran.output, self.context.stdout)
        pass_on(ran.errors, self.context.stderr)
        if ran.is_cut:
            self.context.say("it wrote more; the rest was dropped")
        if ran.is_late:
            raise CommandError(
                f"it was ended after {seconds:g} s",
                hint="give it longer with --timeout, at most 5m",
                code=_TIMED_OUT,
            )
        return ran.status if ran.status >= 0 else 128 - ran.status


def _leave_the_terminal() -> None:
    """Go on in a child without this terminal; this process waits, and ends as the child does.

    A program that has root's own terminal can type into it, and so give root's shell commands. At
    a terminal the child gets another one, and this process carries the bytes.
    """
    is_watched = os.isatty(0)
    if is_watched:
        import pty

        pid, terminal = pty.fork()
    else:
        pid, terminal = os.fork(), -1
    if pid == 0:
        if not is_watched:
            os.setsid()
        return
    if is_watched:
        _carry(terminal)
    os._exit(_status_of(pid))


def _status_of(pid: int) -> int:
    while True:
        try:
            status = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
        except KeyboardInterrupt:
            os.kill(pid, signal.SIGINT)
        else:
            return status if status >= 0 else 128 - status


def _carry(terminal: int) -> None:
    """Bytes from the keyboard to a terminal, and from there to the screen, until it closes."""
    import fcntl
    import termios
    import tty

    fcntl.ioctl(terminal, termios.TIOCSWINSZ, fcntl.ioctl(0, termios.TIOCGWINSZ, b"\0" * 8))
    modes = termios.tcgetattr(0)
    tty.setraw(0)
    try:
        _copy(terminal)
    finally:
        termios.tcsetattr(0, termios.TCSAFLUSH, modes)


def _copy(terminal: int) -> None:
    import select

    sources = [terminal, 0]
    while True:
        for source in select.select(sources, [], [])[0]:
            try:
                data = os.read(source, 65536)
            except OSError:  # how a terminal says that nobody is behind it any more
                data = b""
            if data:
                os.write(1 if source == terminal else terminal, data)
            elif source == terminal:
                return
            else:
                sources.remove(source)


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
