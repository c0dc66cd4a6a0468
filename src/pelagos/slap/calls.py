"""Names of the calls of SLAP that few programs make; those of every day are in `protocol`.

Pure, for both sides of the wire, as `protocol` is.
"""

from __future__ import annotations

COMPUTER_BANG = "computerBang"
COMPUTER_STATUS = "getComputerStatus"
GENERATE_CERTIFICATE = "generateComputerCertificate"
INSTALLATION_STATUS = "getSoftwareInstallationStatus"
PARTITION_AVAILABLE = "availableComputerPartition"
PARTITION_BUILDING = "buildingComputerPartition"
PARTITION_CERTIFICATE = "getComputerPartitionCertificate"
PARTITION_STATUS = "getComputerPartitionStatus"
PRODUCT = "getSoftwareReleaseListFromSoftwareProduct"
RELATED = "updateComputerPartitionRelatedInstanceList"
RENAME = "softwareInstanceRename"
REQUEST_COMPUTER = "requestComputer"
REVOKE_CERTIFICATE = "revokeComputerCertificate"
RUN_ID = "getRunId"
TREE_ADDRESSES = "getHostingSubscriptionIpList"
USE_COMPUTER = "useComputer"
