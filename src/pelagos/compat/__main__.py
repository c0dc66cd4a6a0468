"""Run a program that was written for an ancestor, unchanged.

    python -m pelagos.compat [--shadow NAME]… PROGRAM [ARGUMENT…]
    python -m pelagos.compat [--shadow NAME]… -m MODULE [ARGUMENT…]

In it `import kamaki`, postage, pyone, slapos, xivo_dird and wazo_dird mean our names, unless the
ancestor itself is installed; of those that --shadow names, in any case.
"""

from __future__ import annotations

import importlib.util
import runpy
import sys
from pathlib import Path
from types import TracebackType

from pelagos.compat import children
from pelagos.compat.ancestors import install
from pelagos.compat.python2 import note, told
from pelagos.core.errors import PelagosError


class _WrongLine(PelagosError):
    """There is no program to run."""


def main(words: list[str]) -> int:
    """Run the program; its exit code when it does not say another one.

    What the program raises is raised, as Python by itself would.
    """
    shadowed, words = _shadowed(words)
    if not words or words[0] in {"-h", "--help", "--shadow"} or words == ["-m"]:
        sys.stderr.write(__doc__ or "")
        return 0 if words[:1] in (["-h"], ["--help"]) else 2
    try:
        install()
        install(*shadowed)
        children.tell()
        _run(words)
    except PelagosError as error:
        if _is_of_program(error):
            raise
        sys.stderr.write(f"{error}\n{error.hint or ''}\n")
        return 2 if isinstance(error, _WrongLine) else 1
    return 0


def _shadowed(words: list[str]) -> tuple[list[str], list[str]]:
    names = []
    while words[:1] == ["--shadow"] and len(words) > 1:
        names.append(words[1])
        words = words[2:]
    return names, words


def _run(words: list[str]) -> None:
    program = None if words[0] == "-m" else _found(words[0])
    try:
        if program is None:
            sys.argv = words[1:]
            sys.path[0] = str(Path.cwd())
            _check_module(words[1])
            runpy.run_module(words[1], run_name="__main__", alter_sys=True)
        else:
            sys.argv = words
            sys.path[0] = str(program.resolve().parent)
            runpy.run_path(str(program), run_name="__main__")
    except SyntaxError as error:
        if not error.filename or not Path(error.filename).is_file():
            raise  # of a text that the program itself compiles
        raise told(error) from None
    except Exception as error:  # to say more of it, and to let it go on
        note(error)
        raise


def tell(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    """Print what the program raised, without the frames of what runs it: `sys.excepthook`."""
    step, is_ours = trace, False
    while step is not None and (not is_ours or _runs(step)):
        is_ours = is_ours or step.tb_frame.f_code is _run.__code__
        step = step.tb_next
    sys.__excepthook__(kind, error.with_traceback(step or trace), step or trace)


def _runs(step: TracebackType) -> bool:
    return step.tb_frame.f_globals.get("__name__") == "runpy"


def _is_of_program(error: PelagosError) -> bool:
    """Whether the program raised it, and not we before it ran."""
    trace = error.__traceback__
    while trace is not None:
        if _runs(trace):
            return True
        trace = trace.tb_next
    return False


def _found(path: str) -> Path:
    program = Path(path)
    if program.is_dir() and not (program / "__main__.py").is_file():
        raise _WrongLine(f"there is no __main__.py in {program}", hint="give the path of a file")
    if program.is_file() or program.is_dir():
        return program
    if path.startswith("-"):
        raise _WrongLine(f"unknown option: {path}", hint="see: python -m pelagos.compat --help")
    raise _WrongLine(f"there is no program {program}", hint="give the path of its file")


def _check_module(name: str) -> None:
    try:
        found = importlib.util.find_spec(name)
    except ModuleNotFoundError as error:
        if error.name is None or not f"{name}.".startswith(f"{error.name}."):
            raise  # of a package that is there and imports what is not
        found = None
    if found is None:
        raise _WrongLine(f"there is no module {name}", hint="give its name as import does")


if __name__ == "__main__":
    sys.excepthook = tell
    sys.exit(main(sys.argv[1:]))
