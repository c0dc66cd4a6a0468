"""What a contact is in the store: attributes, the digest that finds it again, its folded text."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from pelagos.core import wire
from pelagos.directory.errors import InvalidError
from pelagos.directory.folding import fold

_BETWEEN = "\x1f"  # between two folded values, so that no term matches across them
_DIGEST_BYTES = 20
#: Characters of a contact as JSON. Lists are kept in memory; a picture belongs elsewhere.
LONGEST = 64 * 1024


@dataclass(frozen=True, slots=True)
class Contact:
    """One contact of a list.

    Attributes:
        uuid: its id; unique in its list.
        attributes: any texts by any names, without `id`.
    """

    uuid: str
    attributes: Mapping[str, str]

    def as_dict(self) -> dict[str, str]:
        """The contact with its `id`, as people see it."""
        return {**self.attributes, "id": self.uuid}


@dataclass(frozen=True, slots=True)
class NewContact:
    """A contact to be stored, and what the store keeps of it.

    Attributes:
        uuid: the id that it shall have, or None for a new one.
        digest: the same for the same attributes in any order, and for no others.
        text: the attributes as JSON.
        folded: all values as they are searched.
    """

    attributes: Mapping[str, str]
    digest: str
    text: str
    folded: str
    uuid: str | None = None

    @classmethod
    def of(cls, attributes: Mapping[str, str], uuid: str | None = None) -> NewContact:
        """Prepare a contact; an `id` among the attributes is dropped.

        Raises:
            InvalidError: a text has no bytes in UTF-8, or all together are too long.
        """
        kept = {name: value for name, value in attributes.items() if name != "id"}
        try:
            canonical = wire.encode(dict(sorted(kept.items())))
            text = wire.encode(kept).decode()
        except wire.WireError as error:
            raise InvalidError(["a text of the contact is broken Unicode"]) from error
        if len(text) > LONGEST:
            raise InvalidError(
                [f"the contact has {len(text):,} characters; at most {LONGEST:,} are kept"]
            )
        digest = hashlib.blake2b(canonical, digest_size=_DIGEST_BYTES).hexdigest()
        return cls(kept, digest, text, folded_values(kept.values()), uuid)


def read_attributes(text: str) -> dict[str, Any]:
    """The attributes of a stored contact."""
    found: dict[str, Any] = wire.decode(text)
    return found


def folded_values(values: Iterable[str | None]) -> str:
    """The values as the store searches them."""
    return fold(_BETWEEN.join(_searchable(value or "") for value in values))


def folded_term(term: str) -> str:
    """A term as it is searched for in `folded_values`."""
    return fold(_searchable(term))


def _searchable(text: str) -> str:
    """Without what stands between values, and without NUL, which PostgreSQL does not keep."""
    return text.replace("\x00", "").replace(_BETWEEN, "")
