"""Instances configured by their release, then started or stopped."""

from __future__ import annotations

import os
import threading
import urllib.parse
from pathlib import Path

from pelagos.slap.agent.builders.base import Builder, Connection, Run
from pelagos.slap.agent.cause import Causes, has_no_room
from pelagos.slap.agent.certificates import PartitionCertificates
from pelagos.slap.agent.ending import Ending
from pelagos.slap.agent.errors import StepFailed
from pelagos.slap.agent.layout import Layout
from pelagos.slap.agent.lock import Held, Lock
from pelagos.slap.agent.partition import PartitionFiles
from pelagos.slap.agent.patience import Patience
from pelagos.slap.agent.ports import Ports
from pelagos.slap.agent.process import clean_environment
from pelagos.slap.agent.promise import PromiseRunner
from pelagos.slap.agent.report import Told
from pelagos.slap.agent.room import Room, check_room
from pelagos.slap.agent.steps.outcome import Outcome, report_of
from pelagos.slap.agent.steps.owners import check_owner
from pelagos.slap.agent.supervisors.base import Supervisor
from pelagos.slap.client import SlapClient
from pelagos.slap.model import InstanceState, Partition


class Deploying:
    """Work on the files and programs of instances."""

    def __init__(  # noqa: PLR0913  # its tools
        self,
        layout: Layout,
        *,
        computer_id: str,
        client: SlapClient,
        builder: Builder,
        supervisor: Supervisor,
        promises: PromiseRunner,
        certificates: PartitionCertificates,
        ending: Ending,
        ports: Ports,
        patience: Patience,
        causes: Causes,
        room: Room,
    ) -> None:
        self._layout = layout
        self._computer_id = computer_id
        self._client = client
        self._builder = builder
        self._supervisor = supervisor
        self._promises = promises
        self._certificates = certificates
        self._ending = ending
        self._ports = ports
        self._patience = patience
        self._causes = causes
        self._room = room

    def deploy(self, partition: Partition, stop: threading.Event) -> Outcome:
        """Configure an instance, then start it, or stop it as is wished."""
        name = partition.partition_id
        files = PartitionFiles(self._layout.partition(name))
        files.ensure()
        check_owner(self._layout, files.folder, self._causes)
        if partition.requested_state != InstanceState.STOPPED:
            least = self._room.instance
            check_room(files.folder, least, self._causes, doing="an instance is configured")
        lock = Lock(files.lock)
        try:
            with lock.hold() as handle:
                failure = self._configure(partition, files, handle, stop)
        except Held as held:  # by a run of an agent that was killed; this one begins anew
            self._patience.try_again(name, lock, held)
        self._patience.forget(name)
        if partition.requested_state == InstanceState.STOPPED:
            return self._stop(partition, failure)
        if failure is not None:
            files.note_error(failure.log or failure.cause.message)
            raise failure
        files.note_error("")
        self._promises.renew(files.folder)
        self._supervisor.run(name, files.programs())
        return Outcome()

    def _configure(
        self, partition: Partition, files: PartitionFiles, lock: int, stop: threading.Event
    ) -> StepFailed | None:
        url = partition.release_url or ""
        guid = partition.instance_guid or ""
        files.begin(guid, self._layout.release(url))
        self._ending.begin_life(partition, files.folder)
        environ = clean_environment(os.environ, files.folder)
        # The original's library, when a recipe uses it, notes requests below this folder.
        environ["SLAPGRID_INSTANCE_ROOT"] = str(self._layout.instance)
        key_file, cert_file = self._certificates.pair(partition.partition_id, guid, files)
        authority_file = self._certificates.authority(files)
        if authority_file:
            environ["PELAGOS_AUTHORITY"] = authority_file  # for recipes that use our library
        connection = Connection(
            computer_id=self._computer_id,
            partition_id=partition.partition_id,
            server_url=self._server_url(partition, files, guid),
            release_url=url,
            requested_state=partition.requested_state,
            key_file=key_file,
            cert_file=cert_file,
            authority_file=authority_file,
        )
        run = Run(files.folder, files.log, lock, connection, environ)
        self._ports.offer(partition.partition_id)
        try:
            self._builder.configure(url, run, stop)
            self._check_ports(partition.partition_id)
        except StepFailed as failure:
            files.forget_token()  # in case the master no longer takes it
            files.end()
            return self._sharpen(failure, files.folder)
        files.end()
        return None

    def _check_ports(self, name: str) -> None:
        """Refuse a port that another partition keeps: it was chosen at the same time."""
        if (conflict := self._ports.settle(name)) is not None:
            port, whose = conflict
            raise StepFailed(
                self._causes.plain(
                    "port-taken",
                    f"Port {port} is taken: the partition {whose} keeps it.",
                    "Request the service with another port, or leave the choice to its computer.",
                )
            )

    def _sharpen(self, failure: StepFailed, folder: Path) -> StepFailed:
        """A full disk cuts the log that would tell of it, so look at the disk itself."""
        if has_no_room(folder):
            return StepFailed(self._causes.disk_full(folder, doing="configuring the instance"))
        return failure

    def _server_url(self, partition: Partition, files: PartitionFiles, guid: str) -> str:
        """The master's address with the partition's own token in it."""
        token = files.token(guid)
        if token is None:
            token = self._client.partition_token(self._computer_id, partition.partition_id)
            if token is None:
                return self._client.url
            files.keep_token(guid, token)
        return address(self._client, token)

    def _stop(self, partition: Partition, failure: StepFailed | None) -> Outcome:
        """Stop an instance; that its profile failed before does not keep it running."""
        self._supervisor.remove(partition.partition_id)
        message = "Stopped as wished."
        if failure is not None:
            message = (
                f"Stopped, although its profile could not be carried out: {failure.cause.message}"
            )
        cause = self._causes.plain("stopped", message)
        return Outcome(report=report_of(Told.STOPPED, partition, cause))

    def stop_first(self, partition: Partition) -> Outcome:
        """Stop an instance that cannot be configured yet; the rest of the wish waits."""
        self._supervisor.remove(partition.partition_id)
        cause = self._causes.plain(
            "stopped",
            "Stopped as wished; it is configured when its release is built.",
        )
        return Outcome(report=report_of(Told.STOPPED, partition, cause))


def address(client: SlapClient, token: str | None) -> str:
    """The master's address with a partition's token in it."""
    if token is None:
        return client.url
    scheme, _, rest = client.url.partition("://")
    return f"{scheme}://partition:{urllib.parse.quote(token, safe='')}@{rest}"
