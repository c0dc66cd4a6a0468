"""Back-ends: one module per kind of system that a source can ask, each on `base.BaseSourcePlugin`.

Admission rule: needs nothing but the directory and core. A back-end that needs another part of
Pelagos lives in `pelagos.plane.sources`.
"""
