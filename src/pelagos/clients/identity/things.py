"""What all kinds of things in Keystone have in common: list, get, make, change, remove."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, ClassVar

from pelagos.clients.base import Client, records
from pelagos.clients.errors import Conflict, NotFound


class Things(Client):
    """The verbs of Keystone's collections; each kind has its names in one of the parts."""

    service_type: ClassVar[str] = "identity"
    DEFAULT_API_VERSION: ClassVar[str] = "3"

    def _list(self, path: Iterable[Any], key: str, **filters: Any) -> list[Any]:
        return records(self, tuple(path), key, filters)

    def _get(self, path: Iterable[Any], key: str) -> Any:
        return self.get(tuple(path)).member(key)

    def _make(self, path: Iterable[Any], key: str, **fields: Any) -> Any:
        body = {key: _given(fields)}
        return self.post(tuple(path), json=body, success=(200, 201)).member(key)

    def _change(self, path: Iterable[Any], key: str, **fields: Any) -> Any:
        return self.patch(tuple(path), json={key: _given(fields)}, success=200).member(key)

    def _remove(self, path: Iterable[Any]) -> None:
        self.delete(tuple(path), success=(200, 204))

    def _put(self, path: Iterable[Any]) -> None:
        self.put(tuple(path), success=(200, 201, 204))

    def _is_there(self, path: Iterable[Any]) -> bool:
        return self.head(tuple(path), success=(200, 204, 404)).status != 404  # noqa: PLR2004

    def _find(self, kind: str, path: str, key: str, name_or_id: str, **filters: Any) -> Any:
        """The one thing with this name, or else this id.

        Raises:
            NotFound: there is none.
            Conflict: several have the name.
        """
        named = self._list((path,), f"{key}s", name=name_or_id, **filters)
        if len(named) > 1:
            raise Conflict(
                f"{len(named)} {kind}s are called {name_or_id}", 409, hint="say which by its id"
            )
        if named:
            return named[0]
        try:
            return self._get((path, name_or_id), key)
        except NotFound as error:
            error.hint = f"no {kind} has this name or id, or you may not see it"
            raise


def _given(fields: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in fields.items() if value is not None}
