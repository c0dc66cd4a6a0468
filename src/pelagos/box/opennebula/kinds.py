"""The kinds of objects that OpenNebula keeps, and how each is named."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of objects.

    Attributes:
        word: the namespace of its methods.
        label: in messages.
        right: what access rules and messages call it.
        root: the element of one.
        pool: the namespace of the method that lists them.
        bit: of the resource in an access rule.
        is_owned: whether it has an owner, a group and permissions.
        is_paged: whether its list takes a filter and a range.
        first: the lowest id of those that users make.
        unique: of whose objects no two have a name: "all", "owner", or "" for none.
    """

    word: str
    label: str
    right: str
    root: str
    pool: str
    bit: int
    is_owned: bool = True
    is_paged: bool = True
    first: int = 0
    unique: str = "owner"

    @property
    def pool_root(self) -> str:
        """The element of a list."""
        return f"{self.root}_POOL"


def _shared(word: str, label: str, right: str, root: str, bit: int, first: int = 0) -> Kind:
    return Kind(word, label, right, root, f"{word}pool", bit, False, False, first, "all")


VM = Kind("vm", "virtual machine", "VM", "VM", "vmpool", 0x1, unique="")
IMAGE = Kind("image", "image", "IMAGE", "IMAGE", "imagepool", 0x8)
NETWORK = Kind("vn", "virtual network", "NET", "VNET", "vnpool", 0x4)
TEMPLATE = Kind(
    "template", "virtual machine template", "TEMPLATE", "VMTEMPLATE", "templatepool", 0x20
)
SECGROUP = Kind(
    "secgroup", "security group", "SECGROUP", "SECURITY_GROUP", "secgrouppool", 0x1000, first=100
)
DOCUMENT = Kind("document", "document", "DOCUMENT", "DOCUMENT", "documentpool", 0x400, unique="")
VNTEMPLATE = Kind(
    "vntemplate", "virtual network template", "VNTEMPLATE", "VNTEMPLATE", "vntemplatepool", 0x40000
)
VMGROUP = Kind("vmgroup", "vm group", "VMGROUP", "VM_GROUP", "vmgrouppool", 0x20000)
DATASTORE = Kind(
    "datastore", "datastore", "DATASTORE", "DATASTORE", "datastorepool", 0x100,
    is_paged=False, first=100, unique="all",
)  # fmt: skip
VROUTER = Kind("vrouter", "virtual router", "VROUTER", "VROUTER", "vrouterpool", 0x4000)
MARKETAPP = Kind(
    "marketapp", "marketplace app", "MARKETPLACEAPP", "MARKETPLACEAPP", "marketapppool", 0x10000
)
BACKUPJOB = Kind("backupjob", "backup job", "BACKUPJOB", "BACKUPJOB", "backupjobpool", 0x100000)
MARKET = Kind(
    "market", "marketplace", "MARKETPLACE", "MARKETPLACE", "marketpool", 0x8000,
    is_paged=False, first=100, unique="all",
)  # fmt: skip
HOST = _shared("host", "host", "HOST", "HOST", 0x2)
USER = _shared("user", "user", "USER", "USER", 0x10)
GROUP = _shared("group", "group", "GROUP", "GROUP", 0x40, 100)
CLUSTER = _shared("cluster", "cluster", "CLUSTER", "CLUSTER", 0x200, 100)
ZONE = _shared("zone", "zone", "ZONE", "ZONE", 0x800, 100)
VDC = _shared("vdc", "virtual data center", "VDC", "VDC", 0x2000, 100)
HOOK = _shared("hook", "hook", "HOOK", "HOOK", 0x80000)

KINDS = (
    VM, IMAGE, NETWORK, TEMPLATE, SECGROUP, DOCUMENT, VNTEMPLATE, VMGROUP, DATASTORE, HOST, USER,
    GROUP, CLUSTER, ZONE, VDC, VROUTER, MARKET, MARKETAPP, HOOK, BACKUPJOB,
)  # fmt: skip
BY_WORD = {kind.word: kind for kind in KINDS}
#: What an access rule can name besides the kinds above.
RESOURCES = {
    **{kind.bit: kind.right for kind in KINDS},
    0x80: "ACL",
}
