"""Objects of Pithos copied and moved, alone or with all below them."""

from __future__ import annotations

import uuid
from dataclasses import replace
from urllib.parse import unquote

from pelagos.box.errors import Refused
from pelagos.box.objects.content import Content
from pelagos.box.objects.listing import Asked, listed
from pelagos.box.objects.pithos.call import Call, found
from pelagos.box.objects.pithos.headers import check_conditions, kept_of, new_meta, whole_number
from pelagos.box.objects.pithos.keeping import Keeping
from pelagos.box.objects.pithos.sharing import Sharing
from pelagos.box.objects.store import Container, ObjectStore, Told, Version
from pelagos.box.web import Answer

_MISSING = "Object does not exist"


class Copying:
    """COPY, MOVE, and PUT with X-Copy-From or X-Move-From."""

    def __init__(self, store: ObjectStore, sharing: Sharing, keeping: Keeping) -> None:
        self._store = store
        self._sharing = sharing
        self._keeping = keeping

    def put(self, call: Call) -> Answer:
        """What the headers name becomes what the path names."""
        request = call.request
        moves = bool(request.header("X-Move-From"))
        header = "X-Move-From" if moves else "X-Copy-From"
        container, name = _path(request.header(header), f"Invalid {header} header")
        if request.length is None:
            raise Refused(411, "Missing or invalid Content-Length header")
        account = unquote(request.header("X-Source-Account")) or call.account
        source = replace(call, account=account, container=container, name=name)
        return self._transfer(source, call, moves=moves)

    def copy(self, call: Call) -> Answer:
        """What the path names becomes what the header names, too."""
        return self._sent(call, moves=False)

    def move(self, call: Call) -> Answer:
        """What the path names becomes what the header names."""
        return self._sent(call, moves=True)

    def _sent(self, call: Call, *, moves: bool) -> Answer:
        text = call.request.header("Destination")
        if not text:
            raise Refused(400, "Missing Destination header")
        container, name = _path(text, "Invalid Destination header")
        account = unquote(call.request.header("Destination-Account")) or call.account
        into = replace(call, account=account, container=container, name=name)
        return self._transfer(call, into, moves=moves)

    def source(self, call: Call, text: str) -> tuple[Container, Version]:
        """What X-Source-Object names.

        Raises:
            Refused: it is not there, or not for the caller.
        """
        container, name = _path(text, "Invalid source object")
        account = unquote(call.request.header("X-Source-Account")) or call.account
        return self._find(replace(call, account=account, container=container, name=name))

    def _find(self, source: Call) -> tuple[Container, Version]:
        kept = self._store.container(source.account, source.container)
        if not source.is_owner and (
            kept is None or not self._sharing.allows(source.user_id, kept, source.name)
        ):
            raise Refused(403, "User does not have access to the object")
        if kept is None:
            raise Refused(404, "Container does not exist", name="itemNotFound")
        told = source.request.header("X-Source-Version")
        if told:
            serial = whole_number(told)
            version = None if serial is None else self._store.version(kept, source.name, serial)
        else:
            version = self._store.current(kept, source.name)
        if version is None:
            raise Refused(404, _MISSING, name="itemNotFound")
        return kept, version

    def _transfer(self, source: Call, into: Call, *, moves: bool) -> Answer:
        if moves and not source.is_owner:
            raise Refused(403, "")
        target = self._target(into)
        kept, version = self._find(source)
        check_conditions(into.request, self._store.current(target, into.name))
        pairs = [(version, into.name)]
        delimiter = into.request.query.get("delimiter")
        if delimiter:
            below = Asked(prefix=source.name + delimiter)
            pairs += [
                (one, into.name + one.name[len(source.name) :])
                for one in listed(self._store.database, kept, below)
                if isinstance(one, Version)
            ]
        made = [
            self._one(source, kept, one, replace(into, name=name), moves=moves)
            for one, name in pairs
        ]
        sharing = self._keeping.told_sharing(into)
        self._keeping.tell(into, sharing, self._keeping.told_public(into))
        return Answer(201, {"X-Object-Version": str(made[0].serial)})

    def _target(self, into: Call) -> Container:
        kept = self._store.container(into.account, into.container)
        if not into.is_owner and (
            kept is None or self._sharing.allows(into.user_id, kept, into.name) != "write"
        ):
            raise Refused(403, "User does not have write access to the object")
        return found(kept)

    def _one(
        self, source: Call, kept: Container, version: Version, into: Call, *, moves: bool
    ) -> Version:
        request = into.request
        itself = (into.account, into.container, into.name) == (
            source.account,
            kept.name,
            version.name,
        )
        kind = request.header("Content-Type")
        if not kind or "ignore_content_type" in request.query:
            kind = version.type
        meta = {**version.meta, **new_meta(request, "Object", {})}
        told = Told(kind, meta, kept_of(request, version.more))
        content = Content(version.size, tuple(version.digests), version.md5, version.top)
        if not self._store.hold(version):
            raise Refused(404, _MISSING, name="itemNotFound")
        try:
            with self._store.database.change():
                keeps = version.uuid if moves or itself else str(uuid.uuid4())
                now = self._store.current(
                    found(self._store.container(into.account, into.container)), into.name
                )
                made = self._keeping.keep(into, content, told, now, uuid=keeps)
                if moves and not itself:
                    history = kept.policy["versioning"] == "auto"
                    self._store.remove(
                        kept, version.name, keeps_history=history, by=source.user_id
                    )
                    self._sharing.forget(kept, version.name)
        finally:
            self._store.release(version)
        return made


def _path(text: str, message: str) -> tuple[str, str]:
    """Container and name of a path that begins with a slash.

    Raises:
        Refused: it is none.
    """
    container, _, name = unquote(text)[1:].partition("/")
    if not text.startswith("/") or not container or not name:
        raise Refused(400, message)
    return container, name
