"""What people keep in the directory: favourites, personal contacts, phonebooks.

    store = DirectoryStore("sqlite:////var/lib/pelagos/directory.db")
    store.personal("some person").add(NewContact.of({"name": "Ada", "number": "2041"}))

Admission rule: turns rows into values and back, on SQLite and PostgreSQL alike. The directory's
only door to SQLAlchemy; no rule of HTTP or of a service lives here.
"""

from __future__ import annotations

from pelagos.directory.store.contacts import Contact, NewContact
from pelagos.directory.store.directory_store import DirectoryStore
from pelagos.directory.store.lists import Addition, Changes, ContactList, ListKey
from pelagos.directory.store.paging import Page, Wanted
from pelagos.directory.store.phonebooks import ORDERS, Phonebook, sort_key

__all__ = [
    "ORDERS",
    "Addition",
    "Changes",
    "Contact",
    "ContactList",
    "DirectoryStore",
    "ListKey",
    "NewContact",
    "Page",
    "Phonebook",
    "Wanted",
    "sort_key",
]
