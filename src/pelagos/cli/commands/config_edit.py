"""`pelagos config edit`: the configuration file in an editor, checked before it counts."""

from __future__ import annotations

import contextlib
import shlex
import shutil
import subprocess
from pathlib import Path

from pelagos.cli.argument import FlagArgument
from pelagos.cli.command_base import Command
from pelagos.cli.failures import USAGE, CommandError, UsageError
from pelagos.cli.registration import command
from pelagos.cli.terminal import is_terminal
from pelagos.cli.tree import CommandTree

_config_commands = CommandTree("config")

_EDITORS = ("sensible-editor", "editor", "nano", "vi")
_NAME_ONE = "name one: EDITOR=nano pelagos config edit"
_HEAD = "# The configuration of Pelagos. `pelagos config list` tells all settings.\n"


@command(_config_commands)
class ConfigEdit(Command):
    """Change the configuration file in an editor; it is checked first.

    The editor is the one that VISUAL or EDITOR names. It gets a copy, which takes the place of the
    file when there is nothing wrong in it. What is wrong is told, and the copy is kept: the next
    `config edit` goes on with it.
    """

    converses = True
    arguments = {
        "discard": FlagArgument("throw away what an earlier edit has kept", "--discard"),
    }
    examples = ("EDITOR=nano pelagos config edit",)

    def main(self) -> None:
        """Edit, check and replace."""
        path = self._path()
        editor = self._editor()
        before = _text(path)
        copy = self._copy(path, before)
        self._edit_until_right(editor, copy)
        after = _text(copy)
        if _text(path) != before:
            raise CommandError(
                f"{path} was changed by somebody else meanwhile",
                hint=f"your version is kept in {copy}: compare the two",
            )
        if after in (before, _HEAD):
            self.context.say("nothing was changed")
        else:
            _write(path, after)
            self.context.say(f"written to {path}")
        copy.unlink()

    def _path(self) -> Path:
        """The file itself: a link stays a link."""
        path = self.context.config_path
        try:
            return path.resolve()
        except RuntimeError as error:  # Python before 3.13
            raise CommandError(
                f"{path} leads to itself", hint="take the link away, or name another file"
            ) from error

    def _editor(self) -> list[str]:
        environ = self.context.environ
        named = environ.get("VISUAL") or environ.get("EDITOR")
        if named:
            try:
                words = shlex.split(named)
            except ValueError as error:
                raise UsageError(f"VISUAL or EDITOR is {named!r}: {error}") from error
            if not words:
                raise UsageError(f"VISUAL or EDITOR is {named!r}: no command", hint=_NAME_ONE)
            return words
        found = next(
            (one for one in _EDITORS if shutil.which(one, path=environ.get("PATH"))), None
        )
        if found is None or not is_terminal(self.context.stdout):
            raise UsageError("there is no editor", hint=_NAME_ONE)
        return [found]

    def _copy(self, path: Path, before: str) -> Path:
        """The copy that is edited: one that was kept, or a new one."""
        copy = path.with_name(f"{path.name}.edited")
        if self["discard"]:
            copy.unlink(missing_ok=True)
        if not copy.exists():
            _write(copy, before or _HEAD)
        elif path.exists() and path.stat().st_mtime > copy.stat().st_mtime:
            raise CommandError(
                f"{path} has changed since {copy} was kept",
                hint="compare the two; --discard throws away what was kept",
            )
        else:
            self.context.say(f"going on with what was kept in {copy}")
        return copy

    def _edit_until_right(self, editor: list[str], copy: Path) -> None:
        from pelagos.plane.config_doctor import faults_of
        from pelagos.plane.config_doctor_clouds import wrong_clouds

        while True:
            self._run(editor, copy)
            faults = faults_of(copy) or list(wrong_clouds(copy))
            if not faults:
                return
            for fault in faults:
                self.context.say(fault.message)
                if fault.mend:
                    self.context.say(f"    {fault.mend}")
            if not self._again():
                raise CommandError(
                    "the configuration was not changed, because there is something wrong in it",
                    hint=f"it is kept in {copy}; pelagos config edit goes on with it",
                    code=USAGE,
                )

    def _run(self, editor: list[str], copy: Path) -> None:
        try:
            code = subprocess.run([*editor, str(copy)], check=False).returncode  # noqa: S603  # the person's own editor
        except OSError as error:
            self._left(copy)
            raise UsageError(
                f"cannot run the editor {editor[0]}: {error.strerror}",
                hint=_NAME_ONE,
            ) from error
        with contextlib.suppress(FileNotFoundError):  # it has taken the copy away
            copy.chmod(0o600)  # it may have put another file in its place
        if code:
            raise CommandError(
                f"the editor {editor[0]} ended with {code}; the configuration was not changed",
                hint=self._left(copy),
            )

    def _left(self, copy: Path) -> str | None:
        """What to do about the copy of an edit that failed; it goes when nothing was written."""
        if _text(copy) in (_text(self._path()), _HEAD):
            copy.unlink()
            return None
        return f"what was written is kept in {copy}; --discard throws it away"

    def _again(self) -> bool:
        """Whether the person wants to mend it now; no, where there is none to ask."""
        stdin, stderr = self.context.stdin, self.context.stderr
        if not (is_terminal(stdin) and is_terminal(stderr)):
            return False
        stderr.write("edit it again? [Y/n] ")
        stderr.flush()
        said = stdin.readline()
        return bool(said) and said.strip().lower() not in {"n", "no"}


def _text(path: Path) -> str:
    try:
        return path.read_text("utf-8")
    except FileNotFoundError:
        return ""
    except UnicodeDecodeError as error:
        raise CommandError(f"{path} is not UTF-8", hint="mend it with an editor") from error


def _write(path: Path, text: str) -> None:
    from pelagos.core.files import write_atomic

    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    write_atomic(path, text, mode=0o600)
