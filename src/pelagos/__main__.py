"""`python -m pelagos` is the program `pelagos`."""

import sys

from pelagos.cli.main import main

if __name__ == "__main__":
    sys.exit(main())
