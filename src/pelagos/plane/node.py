"""The agent of this computer as a program: a thread that runs it, and a consumer that wakes it."""

from __future__ import annotations

import logging
import threading
from time import time

from pelagos.core.errors import PelagosError
from pelagos.plane.data_folder import DataFolder
from pelagos.plane.formatting import format_node, node_root
from pelagos.plane.hauling import cache_use, with_hauling
from pelagos.plane.membership import IdentityRenewer, identity_file, member_tls
from pelagos.plane.settings import PlaneSettings
from pelagos.slap.agent import Agent, AgentSettings
from pelagos.slap.agent.attendant import Attendant
from pelagos.slap.agent.call_key import AskedKey, CallKey, TokenKey
from pelagos.slap.client import SlapClient

log = logging.getLogger(__name__)

#: Seconds that the master may take to tell the key of its calls.
_ASKING = 10.0


class NodeProgram:
    """An agent that runs in a thread of this process until `stop`."""

    def __init__(
        self, settings: PlaneSettings, folder: DataFolder, computer_id: str, master_url: str
    ) -> None:
        token = folder.node_token()
        if token is None and not identity_file(folder).exists():
            raise PelagosError(
                f"this computer has no token for the master at {master_url}",
                hint="let it join: `pelagos computer add NAME` at the plane, then "
                "`pelagos node run TOKEN` here; or run `pelagos up` with the part master, too",
            )
        root = node_root(settings.node, folder)
        format_node(settings.node, root)
        tls = member_tls(folder, time())
        use = cache_use(
            settings.node_cache,
            master_url=master_url,
            token=token,
            tls=tls,
            environ=settings.environ,
        )
        self._client = SlapClient(master_url, token=token, tls=tls)
        self._asking = SlapClient(master_url, token=token, timeout=_ASKING, tls=tls)
        key: CallKey = AskedKey(self._call_key) if token is None else TokenKey(token)
        plain = AgentSettings(
            computer_id=computer_id,
            root=root,
            partition_count=settings.node.partitions,
            poll_interval=settings.node.poll_interval,
            authority=tls.authority if (tls := folder.client_tls()) else None,
            maximum_periodicity=settings.node.maximum_periodicity,
            partition_timeout=settings.node.partition_timeout,
            promise_timeout=settings.node.promise_timeout,
            build_workers=settings.node.build_workers,
            partition_workers=settings.node.partition_workers,
            software_min_free_space=settings.node.software_min_free_space << 20,
            instance_min_free_space=settings.node.instance_min_free_space << 20,
        )
        self.agent = Agent(with_hauling(plain, settings.node, use), self._client)
        self._ended = threading.Event()
        allows = {"logs": settings.node.allow_logs, "exec": settings.node.allow_exec}
        self.attendant = Attendant(
            computer_id,
            root,
            key,
            allows=frozenset(verb for verb, is_allowed in allows.items() if is_allowed),
            stop=self._ended,
        )
        self._renewer = IdentityRenewer(folder, master_url)
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="agent")
        self._thread.start()

    def _run(self) -> None:
        self.agent.run(self._stop)

    def _call_key(self) -> bytes:
        """Asked by the certificate of now: a connection would stay with a former one."""
        try:
            return self._asking.call_key()
        finally:
            self._asking.close()

    def alive(self) -> bool:
        """Whether the agent's thread still runs."""
        return self._thread.is_alive()

    def stop(self) -> None:
        """End the agent; its services keep running under their supervisor."""
        self._ended.set()
        self._stop.set()
        self._renewer.stop()
        self.agent.wake()
        self._thread.join(timeout=30)
        if self._thread.is_alive():
            log.warning("the agent did not end within 30 s; leaving it to the end of this process")
        self._client.close()
