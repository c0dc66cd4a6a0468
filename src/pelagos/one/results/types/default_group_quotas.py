"""What is known of DEFAULT_GROUP_QUOTAS. Written by `pelagos one generate`."""

from __future__ import annotations

from pelagos.one.results.element import Element
from pelagos.one.results.field import child_or_none
from pelagos.one.results.types.shared import DatastoreQuota, ImageQuota, NetworkQuota, VmQuota


class DefaultGroupQuotas(Element):
    """DEFAULT_GROUP_QUOTAS."""

    DATASTORE_QUOTA = child_or_none(DatastoreQuota, "DATASTORE_QUOTA")
    NETWORK_QUOTA = child_or_none(NetworkQuota, "NETWORK_QUOTA")
    VM_QUOTA = child_or_none(VmQuota, "VM_QUOTA")
    IMAGE_QUOTA = child_or_none(ImageQuota, "IMAGE_QUOTA")
