"""Lists and runs the benchmarks.

python -m benchmarks             all of them, one after another
python -m benchmarks --list      their names and what they measure
python -m benchmarks NAME ...    one, with its own options (NAME --help shows them)
"""

from __future__ import annotations

import importlib
import pkgutil
import sys
import time

import benchmarks


def names() -> list[str]:
    found = [module.name for module in pkgutil.iter_modules(benchmarks.__path__)]
    return sorted(name for name in found if not name.startswith("_"))


def load(name: str):
    return importlib.import_module(f"benchmarks.{name}")


def run(name: str, argv: list[str]) -> None:
    began = time.monotonic()
    print(f"== {name}: {(load(name).__doc__ or '').splitlines()[0]}", flush=True)
    load(name).main(argv)
    print(f"== {name}: took {time.monotonic() - began:.0f} s", flush=True)


def main(argv: list[str]) -> int:
    if not argv:
        for name in names():
            run(name, [])
        return 0
    if argv[0] in {"-h", "--help", "--list"}:
        print((__doc__ or "").strip())
        for name in names():
            print(f"  {name:16} {(load(name).__doc__ or '').splitlines()[0]}")
        return 0
    if argv[0] not in names():
        print(
            f"there is no benchmark {argv[0]!r}; there are: {', '.join(names())}", file=sys.stderr
        )
        return 2
    run(argv[0], argv[1:])
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
