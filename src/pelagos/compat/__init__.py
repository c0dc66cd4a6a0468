"""Names and import paths of the ancestors, for programs that were written for them.

Admission rule: one folder per ancestor, that maps its public names to ours and adds no behaviour
that ours lacks, but for what the ancestor's own extensions are built on. `aliases` lets a whole
ancestor be imported by its name; `python -m pelagos.compat PROGRAM` runs programs so.
"""
