"""Object storage of a box: containers, objects and their versions in blocks on disk.

Two faces on one store, each with accounts of its own: `swift` for OpenStack, `pithos` for Synnefo.
"""
