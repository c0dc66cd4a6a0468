"""Whole folders to and from object storage: what differs is carried, the rest stays.

Admission rule: what knows both a folder of this computer and a container. `Push` and `Pull`
first plan, which changes nothing, and then run; each file is whole under its name or not there.
One file into its place, with what an interrupted download has left of it: `partial`.
"""

from pelagos.clients.folder.entries import Entry, LocalTree, Passed, RemoteTree
from pelagos.clients.folder.exchange import Report, Watcher
from pelagos.clients.folder.partial import PartialFile
from pelagos.clients.folder.plan import Plan
from pelagos.clients.folder.pull import Pull
from pelagos.clients.folder.push import Push
from pelagos.clients.folder.remote import Place

__all__ = [
    "Entry",
    "LocalTree",
    "PartialFile",
    "Passed",
    "Place",
    "Plan",
    "Pull",
    "Push",
    "RemoteTree",
    "Report",
    "Watcher",
]
