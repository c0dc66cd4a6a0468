"""Run a program that was written for an ancestor, unchanged.

    python -m pelagos.compat PROGRAM [ARGUMENT…]
    python -m pelagos.compat -m MODULE [ARGUMENT…]

In it `import kamaki` and the others mean our names, unless the ancestor itself is installed.
"""

from __future__ import annotations

import importlib.util
import runpy
import sys
from pathlib import Path

from pelagos.compat.aliases import alias
from pelagos.core.errors import PelagosError

#: Ancestors whose names programs import; each is a package beside this.
ANCESTORS = ("kamaki", "postage", "pyone")


def main(words: list[str]) -> int:
    """Run the program; its exit code when it does not say another one.

    What the program raises is raised, as Python by itself would.
    """
    if not words or words[0] in {"-h", "--help"} or words == ["-m"]:
        sys.stderr.write(__doc__ or "")
        return 0 if words[:1] and words[0] != "-m" else 2
    try:
        _install()
        program = None if words[0] == "-m" else _found(words[0])
    except PelagosError as error:
        sys.stderr.write(f"{error}\n{error.hint or ''}\n")
        return 1
    if program is None:
        sys.argv = words[1:]
        sys.path[0] = str(Path.cwd())
        runpy.run_module(words[1], run_name="__main__", alter_sys=True)
    else:
        sys.argv = words
        sys.path[0] = str(program.resolve().parent)
        runpy.run_path(str(program), run_name="__main__")
    return 0


def _install() -> None:
    for name in ANCESTORS:
        here = importlib.util.find_spec(f"pelagos.compat.{name}")
        if here is not None and importlib.util.find_spec(name) is None:
            alias(name, here.name)


def _found(path: str) -> Path:
    program = Path(path)
    if not program.is_file():
        raise PelagosError(f"there is no program {program}", hint="give the path of its file")
    return program


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
