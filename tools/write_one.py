"""Write what is made from OpenNebula's schemas: the description, the types, the stubs of calls.

python tools/write_one.py
"""

from __future__ import annotations

import sys
from pathlib import Path

from pelagos.one import methods
from pelagos.one.generate import code, description, stubs
from pelagos.one.generate.writing import of_schemas, write_package

PROJECT = Path(__file__).parents[1]
SCHEMAS = PROJECT / "tests" / "data" / "opennebula" / "xsd"
ONE = PROJECT / "src" / "pelagos" / "one"
NOTE = (
    "# What is known of the answers of OpenNebula 7.4 and 7.5, in the form of description.py.\n\n"
)


def main() -> int:
    """Write them."""
    shapes = of_schemas(SCHEMAS)
    (ONE / "generate/description.txt").write_text(NOTE + description.write(shapes))
    write_package(shapes, ONE / "results/types", code.PACKAGE)
    (ONE / "resources.pyi").write_text(stubs.write_stub(methods.all_methods(), shapes))
    return 0


if __name__ == "__main__":
    sys.exit(main())
