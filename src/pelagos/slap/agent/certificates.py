"""The certificate of each partition: fetched from the master, kept in the partition, renewed.

`.slapgrid/ssl/partition.key` and `partition.crt`, which only the partition's user can read;
instances find the paths as `key-file` and `cert-file` in their section slap-connection.
"""

from __future__ import annotations

import logging
import threading
from dataclasses import dataclass
from pathlib import Path

from pelagos.core.certificate import CertificateError, describe
from pelagos.core.clock import Clock
from pelagos.slap.agent.partition import PartitionFiles
from pelagos.slap.client import SlapClient
from pelagos.slap.errors import MasterUnreachable, SlapError

log = logging.getLogger(__name__)

#: The part of a certificate's life after which the next one is fetched.
_RENEW_AFTER = 2 / 3
#: Seconds until the master is asked again that had no certificate, or could not be asked; and
#: between two looks at a good one, because the clock may be set.
_LOOK_AGAIN = 3600.0


@dataclass(frozen=True, slots=True)
class _Known:
    """Of whom, and when to look again: by the clock that only grows, should the other be set."""

    guid: str
    look_at: float


class PartitionCertificates:
    """Sees to the certificates of one computer's partitions. Safe to share between threads.

    Args:
        client: the master.
        computer_id: of this computer.
        clock: tells when to renew.
        authority: file of the authority that the master's certificate comes from; each instance
            gets a copy, because it cannot read the agent's files.
    """

    def __init__(
        self,
        client: SlapClient,
        *,
        computer_id: str,
        clock: Clock,
        authority: Path | None = None,
    ) -> None:
        self._authority = authority
        self._client = client
        self._computer_id = computer_id
        self._clock = clock
        self._lock = threading.Lock()
        self._known: dict[str, _Known] = {}

    def pair(self, partition_id: str, guid: str, files: PartitionFiles) -> tuple[str, str]:
        """Paths of the key and the certificate; both empty where the master gives none.

        Raises:
            MasterUnreachable: there is none yet, and the master cannot be asked.
        """
        if not self._client.url.startswith("https:"):
            return "", ""
        self.see_to(partition_id, guid, files)
        return files.certificate_paths(guid) or ("", "")

    def authority(self, files: PartitionFiles) -> str:
        """Path of the instance's copy of the authority; empty where the system's will do."""
        if self._authority is None:
            return ""
        return files.keep_authority(self._authority.read_text())

    def see_to(self, partition_id: str, guid: str, files: PartitionFiles) -> None:
        """Fetch the certificate when there is none, or when its end comes near.

        Raises:
            MasterUnreachable: there is none yet, and the master cannot be asked.
        """
        if not self._client.url.startswith("https:"):
            return
        with self._lock:
            known = self._known.get(partition_id)
        if known is not None and known.guid == guid and self._clock.monotonic() < known.look_at:
            return
        held = files.certificate(guid)
        until = _renew_at(held) if held is not None else None
        if until is None or until <= self._clock.time():
            until = self._fetch(partition_id, guid, files, has_one=held is not None)
        left = _LOOK_AGAIN if until is None else until - self._clock.time()
        look_at = self._clock.monotonic() + min(_LOOK_AGAIN, max(0.0, left))
        with self._lock:
            self._known[partition_id] = _Known(guid, look_at)

    def _fetch(
        self, partition_id: str, guid: str, files: PartitionFiles, *, has_one: bool
    ) -> float | None:
        try:
            found = self._client.partition_certificate(self._computer_id, partition_id)
        except MasterUnreachable:
            if has_one:
                return None
            raise
        except SlapError as error:
            log.info("no certificate for %s: %s", partition_id, error)
            return None
        key, certificate = found.get("key") or "", found.get("certificate") or ""
        if not key or not certificate:
            return None
        files.keep_certificate(guid, key, certificate)
        return _renew_at(certificate)


def _renew_at(certificate: str) -> float | None:
    try:
        said = describe(certificate)
    except CertificateError as error:
        log.warning("the certificate of a partition cannot be read: %s", error)
        return None
    return said.begins + (said.expires - said.begins) * _RENEW_AFTER
