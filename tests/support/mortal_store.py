"""Keeps contacts in a directory's store until somebody kills it (SIGKILL).

    python mortal_store.py URL PERSON

It writes one line for each thing that it was told is kept: `one ID` for a contact, `many` for a
file of `MANY` contacts.
"""

from __future__ import annotations

import itertools
import sys

from pelagos.directory.store import DirectoryStore, NewContact

MANY = 50


def tell(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def main(url: str, person: str) -> None:
    store = DirectoryStore(url)
    contacts = store.personal(person)
    book = store.phonebooks.create("sea", person)
    for number in itertools.count():
        contact = contacts.add(NewContact.of({"name": f"contact {number}"}))
        tell(f"one {contact.uuid}")
        store.phonebook("sea", book.id).add_many(
            [NewContact.of({"name": f"row {number} {row}"}) for row in range(MANY)]
        )
        tell("many")
        if number % 3 == 2:
            contacts.replace(contact.uuid, NewContact.of({"name": f"changed {number}"}))


if __name__ == "__main__":
    main(*sys.argv[1:])
