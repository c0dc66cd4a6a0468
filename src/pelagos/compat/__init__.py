"""Names and import paths of the ancestors, for programs that were written for them.

Admission rule: one folder per ancestor, that maps its public names to ours and adds no behaviour
that ours lacks, but for what the ancestor's own extensions are built on. `install` lets a program
import the ancestors by their names; `python -m pelagos.compat PROGRAM` runs a program so.

    import pelagos.compat
    pelagos.compat.install()

    from kamaki.clients.cyclades import CycladesClient
    from slapos.slap import slap
"""

from pelagos.compat.ancestors import ANCESTORS, install

__all__ = ["ANCESTORS", "install"]
