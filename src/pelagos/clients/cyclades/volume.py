"""The client of Synnefo's block storage; on an OpenStack it does there what can be done."""

from __future__ import annotations

from collections.abc import Mapping

from pelagos.clients.blockstorage import BlockStorageClient
from pelagos.clients.blockstorage.types import Id, Snapshot, Volume
from pelagos.clients.cyclades.rest import CycladesBlockStorageRestClient


class CycladesBlockStorageClient(CycladesBlockStorageRestClient, BlockStorageClient):
    """Block storage of Synnefo; also OpenStack's, in the words of Synnefo's programs."""

    def create_volume(  # type: ignore[override]  # noqa: PLR0913, PLR0917  # as the ancestor has it
        self,
        size: int,
        display_name: str | None = None,
        server_id: Id | None = None,
        display_description: str | None = None,
        snapshot_id: Id | None = None,
        imageRef: str | None = None,  # noqa: N803  # the service's word
        volume_type: Id | None = None,
        metadata: Mapping[str, str] | None = None,
        project: str | None = None,
    ) -> Volume:
        """Make a volume; its record.

        Args:
            size: in GiB.
            display_name: for people.
            server_id: at which server (Synnefo).
            display_description: for people.
            snapshot_id: a snapshot whose content it is to have;
            imageRef: … or an image whose.
            volume_type: of what kind.
            metadata: texts by name.
            project: whose quota it uses (Synnefo).

        Raises:
            Unsupported: the cloud is an OpenStack, and is asked for a server or a project.
        """
        if server_id is not None:
            self._only_on(
                "synnefo",
                "volumes that are made at a server",
                "attach_volume of the compute client",
            )
        if project is not None:
            self._only_on("synnefo", "choice of a volume's project", "log in to the project")
        return self._made(
            size,
            display_name=display_name,
            server_id=server_id,
            display_description=display_description,
            snapshot_id=snapshot_id,
            imageRef=imageRef,
            volume_type=volume_type,
            metadata=metadata,
            project=project,
        )

    def reassign_volume(self, volume_id: Id, project: str) -> None:
        """Charge a volume to another project (Synnefo).

        Raises:
            Unsupported: the cloud is an OpenStack.
        """
        self._only_on("synnefo", "way for a volume to another project", "transfer it by hand")
        self.volumes_action_post(volume_id, json_data={"reassign": {"project": project}})

    def create_snapshot(  # type: ignore[override]  # as the ancestor has it
        self,
        volume_id: Id,
        display_name: str | None = None,
        display_description: str | None = None,
    ) -> Snapshot:
        """Keep what a volume is now; the snapshot's record."""
        return super().create_snapshot(volume_id, None, display_name, display_description)
