"""Ask a directory over HTTP: typed answers, errors that say what to do.

Admission rule: what a program that only asks needs. Nothing here imports Flask or a plugin.
"""

from pelagos.directory.client.answers import (
    Headers,
    ImportAnswer,
    LookupAnswer,
    LookupPart,
    LookupRow,
    Page,
    RefusedLine,
    ReverseAnswer,
    SourceFact,
    SourceState,
)
from pelagos.directory.client.client import DirectoryClient
from pelagos.directory.client.contacts import PersonalContacts, PhonebookContacts, Phonebooks
from pelagos.directory.client.sources import BackendSources

__all__ = [
    "BackendSources",
    "DirectoryClient",
    "Headers",
    "ImportAnswer",
    "LookupAnswer",
    "LookupPart",
    "LookupRow",
    "Page",
    "PersonalContacts",
    "PhonebookContacts",
    "Phonebooks",
    "RefusedLine",
    "ReverseAnswer",
    "SourceFact",
    "SourceState",
]
