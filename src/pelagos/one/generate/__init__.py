"""Types of results from schemas: schemas -> shapes -> description -> code.

Nothing here is needed to speak with a server; `pelagos one generate` and a test use it.
"""
