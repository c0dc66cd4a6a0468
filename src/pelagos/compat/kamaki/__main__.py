"""`python -m pelagos.compat.kamaki GROUP COMMAND …`: commands that were written for kamaki."""

import sys

from pelagos.compat.kamaki.cli import main

if __name__ == "__main__":
    sys.exit(main())
