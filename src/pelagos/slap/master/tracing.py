"""Why an instance is as it is, also when it waits for another: the links are followed.

An instance waits for its children, a shared one for its host. Each link becomes a cause of the
chain, nearest first; what the last one suffers from is the root cause. `explain` decides about
one instance alone; here is only the way from one to the next.
"""

from __future__ import annotations

from pelagos.slap.master import causes, explain
from pelagos.slap.master.explain import Finding
from pelagos.slap.master.hosting import hosts_to_be
from pelagos.slap.master.scene import Scene
from pelagos.slap.master.store import Reader, StoredInstance
from pelagos.slap.master.visibility import EVERYTHING, Scope
from pelagos.slap.model import Cause, InstanceStatus

#: What an agent says of an instance that may well be missing what another one should give it.
_MAY_LACK = frozenset(
    {
        "waiting-for-agent",
        "instance-error",
        "buildout-failed",
        "promise-failed",
        "waiting-for-child",
    }
)


class Tracer:
    """Explains instances of one state of the database; asks each thing once.

    The way ends at what `sees` does not show: a host of the site says nothing to a tenant.
    """

    def __init__(self, reader: Reader, scene: Scene, sees: Scope = EVERYTHING) -> None:
        self._reader = reader
        self._scene = scene
        self._sees = sees

    def trace(self, instance: StoredInstance) -> Finding:
        """The root cause, and each link that leads to it, nearest first."""
        return self._trace(instance, frozenset({instance.key}))

    def nearest(self, instance: StoredInstance) -> Cause:
        """What an instance itself suffers from: a link, when it waits for another."""
        finding = self._alone(instance)
        link = self._link(instance, finding)
        return finding.cause if link is None else link[0]

    def _trace(self, instance: StoredInstance, seen: frozenset[int]) -> Finding:
        finding = self._alone(instance)
        link = self._link(instance, finding)
        if link is None:
            return finding
        cause, target = link
        own = [*finding.chain, finding.cause]
        # "Its agent has not acted" says less than what it waits for.
        chain = [
            *(item for item in own if item.code not in ("waiting-for-agent", cause.code)),
            cause,
        ]
        # When they wait for each other, or the other is well, the way ends here.
        hidden = not self._sees.instance(target)
        if target.key in seen or hidden or self._is_well(target):
            return Finding(finding.state, cause, tuple(chain[:-1]))
        beyond = self._trace(target, seen | {target.key})
        # Two on one computer suffer alike: it is told once, at the end.
        told = dict.fromkeys([*chain, *beyond.chain])
        told.pop(beyond.cause, None)
        return Finding(finding.state, beyond.cause, tuple(told))

    def _alone(self, instance: StoredInstance) -> Finding:
        children = [child.title for child in self._reader.children(instance.key)]
        return self._scene.of_service(instance, children)

    def _link(
        self, instance: StoredInstance, finding: Finding
    ) -> tuple[Cause, StoredInstance] | None:
        """The other instance that this one waits for, and the cause that says so."""
        if not instance.is_live or self._is_well(instance):
            return None
        if not instance.is_allocated and not instance.shared and not instance.is_destroying:
            return None  # it waits for a place
        if instance.shared and not instance.is_destroying:
            return self._to_host(instance, finding)
        if instance.is_destroying:
            may_lack = finding.cause.code == "destroying"
        else:
            release = self._scene.release(instance.computer_id or "", instance.release_url)
            is_releases = release is not None and finding.cause == release.cause
            may_lack = (
                instance.is_allocated and finding.cause.code in _MAY_LACK and not is_releases
            )
        child = self._worst_child(instance) if may_lack else None
        if child is None:
            return None
        if instance.is_destroying:
            return finding.cause, child
        return causes.waiting_for_child(instance.title, child.title, child.cause.since), child

    def _to_host(
        self, instance: StoredInstance, finding: Finding
    ) -> tuple[Cause, StoredInstance] | None:
        """The host of a shared instance that nothing else keeps from being served."""
        if instance.status is InstanceStatus.ERROR:
            return None
        if instance.host_key is not None:
            host = self._reader.instance(instance.host_key)
        elif finding.cause.code == "waiting-for-host":
            host = next(iter(hosts_to_be(self._reader, instance)), None)
        else:
            return None
        if host is None:
            return None
        since = max(instance.cause.since, instance.created)
        is_well = self._is_well(host)
        title = host.title if self._sees.instance(host) else None
        return causes.waiting_for_host(instance.title, title, since, is_well=is_well), host

    def _worst_child(self, instance: StoredInstance) -> StoredInstance | None:
        """The child that keeps it waiting: one without a place, else one that failed, else any."""
        unwell = [item for item in self._reader.children(instance.key) if not self._is_well(item)]
        return min(unwell, key=_badness, default=None)

    def _is_well(self, instance: StoredInstance) -> bool:
        if instance.is_destroying:
            return False
        return instance.status is explain.WELL.get(instance.requested_state)


def _badness(instance: StoredInstance) -> tuple[bool, bool, int]:
    return (
        instance.is_allocated,
        instance.status is not InstanceStatus.ERROR,
        instance.key,
    )
