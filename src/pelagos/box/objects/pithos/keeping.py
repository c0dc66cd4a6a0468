"""How an object of Pithos becomes the current one: under its quota, its history, its sharing."""

from __future__ import annotations

from collections.abc import Callable
from urllib.parse import unquote

from pelagos.box.errors import Refused
from pelagos.box.identity.quotas import Quotas
from pelagos.box.objects.content import Content
from pelagos.box.objects.pithos.call import Call, found
from pelagos.box.objects.pithos.headers import check_conditions
from pelagos.box.objects.pithos.sharing import Sharing, parse_sharing
from pelagos.box.objects.store import Container, ObjectStore, Told, Version

_RESOURCE = "pithos.diskspace"


class Keeping:
    """Keeps new versions, and says of objects who may do what with them."""

    def __init__(self, store: ObjectStore, quotas: Quotas, sharing: Sharing) -> None:
        self._store = store
        self._quotas = quotas
        self._sharing = sharing

    def growth(self, container: Container, before: Version | None) -> Callable[[int], None]:
        """What sees whether an object may get so large; raises Refused (413) when it may not."""
        held = before.size if before else 0
        limit = int(container.policy.get("quota", 0))
        project = container.policy["project"]
        most, own = (
            self._quotas.limit(project, _RESOURCE),
            self._quotas.member_limit(project, _RESOURCE),
        )
        free = most - self._quotas.usage(project, _RESOURCE)
        left = own - self._used(container, project) if own < most else free

        def check(size: int) -> None:
            more = size - held
            if limit and container.bytes + more > limit:
                usage = container.bytes + more
                raise Refused(
                    413, f"Quota error: Container quota exceeded: limit: {limit}, usage: {usage}"
                )
            if more > left and own < most:
                raise Refused(
                    413,
                    "Resource Limit Exceeded for your account.",
                    name="fault",
                    details="Limit for resource 'Storage space' exceeded for your account. "
                    f"Available: {left}, Requested: {more}",
                )
            if more > free:
                self._quotas.check(project, _RESOURCE, more)

        return check

    def _used(self, container: Container, project: str) -> int:
        """How much of a project the owner of a container uses."""
        row = (
            self._store.database.read()
            .execute(
                "SELECT COALESCE(SUM(bytes), 0) AS bytes FROM containers"
                " WHERE account = ? AND json_extract(policy, '$.project') = ?",
                (container.account, project),
            )
            .fetchone()
        )
        return int(row["bytes"])

    def keep(
        self,
        call: Call,
        content: Content,
        told: Told,
        before: Version | None = None,
        *,
        uuid: str = "",
    ) -> Version:
        """Make it the object that the call names.

        Args:
            before: what it was made from; when that is not the current one, 412.
            uuid: of the object, where it is another than that which was there.
        """
        with self._store.database.change():
            kept = found(self._store.container(call.account, call.container))
            now = self._store.current(kept, call.name)
            if before is None:
                check_conditions(call.request, now)
            elif now is None or now.serial != before.serial:
                raise Refused(409, "The object was changed meanwhile")
            self.growth(kept, now)(content.size)
            return self._store.put(
                kept,
                call.name,
                content,
                told,
                modified_by=call.user_id,
                keeps_history=kept.policy["versioning"] == "auto",
                object_uuid=uuid,
            )

    def told_sharing(self, call: Call) -> tuple[list[str], list[str]] | None:
        """Who shall read and write, as the request says it; None when it says nothing.

        Raises:
            Refused: it may not say so.
        """
        if not call.request.has_header("X-Object-Sharing"):
            return None
        if not call.is_owner:
            raise Refused(403, "Modifying other account's object permissions is not allowed")
        return parse_sharing(unquote(call.request.header("X-Object-Sharing")))

    def told_public(self, call: Call) -> bool | None:
        """Whether the object shall be public; None when the request says nothing.

        Raises:
            Refused: it says something else.
        """
        if not call.request.has_header("X-Object-Public"):
            return None
        word = call.request.header("X-Object-Public").strip().lower()
        if word not in {"true", "false"}:
            raise Refused(400, "Bad X-Object-Public header value")
        return word == "true"

    def tell(
        self,
        call: Call,
        sharing: tuple[list[str], list[str]] | None,
        public: bool | None,
    ) -> None:
        """Keep what a request said of sharing and publicness; None leaves it."""
        if sharing is None and public is None:
            return
        kept = found(self._store.container(call.account, call.container))
        if sharing is not None:
            self._sharing.share(kept, call.name, *sharing)
        if public is not None:
            (self._sharing.publish if public else self._sharing.withdraw)(kept, call.name)
