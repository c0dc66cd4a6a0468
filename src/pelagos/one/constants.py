"""The numbers of states and kinds, by the names that OpenNebula's tools show.

A number that is not known here gives a member all the same, named `UNKNOWN_…`: a newer server must
not break a program that only shows it.

>>> LCM_STATE(3).name, LCM_STATE(71).name, LCM_STATE(99).name
('RUNNING', 'RESTORE', 'UNKNOWN_99')
"""

# ruff: noqa: N801  # the names that programs know

from __future__ import annotations

from enum import IntEnum
from typing import Self


class _Numbers(IntEnum):
    @classmethod
    def _missing_(cls, value: object) -> Self | None:
        if not isinstance(value, int):
            return None
        member = int.__new__(cls, value)
        member._name_ = f"UNKNOWN_{value}"
        member._value_ = value
        return member


class VM_STATE(_Numbers):
    """The state of a VM."""

    INIT = 0
    PENDING = 1
    HOLD = 2
    ACTIVE = 3
    STOPPED = 4
    SUSPENDED = 5
    DONE = 6
    FAILED = 7
    POWEROFF = 8
    UNDEPLOYED = 9
    CLONING = 10
    CLONING_FAILURE = 11


class LCM_STATE(_Numbers):
    """The state of a VM that is ACTIVE, in detail."""

    LCM_INIT = 0
    PROLOG = 1
    BOOT = 2
    RUNNING = 3
    MIGRATE = 4
    SAVE_STOP = 5
    SAVE_SUSPEND = 6
    SAVE_MIGRATE = 7
    PROLOG_MIGRATE = 8
    PROLOG_RESUME = 9
    EPILOG_STOP = 10
    EPILOG = 11
    SHUTDOWN = 12
    CANCEL = 13
    FAILURE = 14
    CLEANUP_RESUBMIT = 15
    UNKNOWN = 16
    HOTPLUG = 17
    SHUTDOWN_POWEROFF = 18
    BOOT_UNKNOWN = 19
    BOOT_POWEROFF = 20
    BOOT_SUSPENDED = 21
    BOOT_STOPPED = 22
    CLEANUP_DELETE = 23
    HOTPLUG_SNAPSHOT = 24
    HOTPLUG_NIC = 25
    HOTPLUG_SAVEAS = 26
    HOTPLUG_SAVEAS_POWEROFF = 27
    HOTPLUG_SAVEAS_SUSPENDED = 28
    SHUTDOWN_UNDEPLOY = 29
    EPILOG_UNDEPLOY = 30
    PROLOG_UNDEPLOY = 31
    BOOT_UNDEPLOY = 32
    HOTPLUG_PROLOG_POWEROFF = 33
    HOTPLUG_EPILOG_POWEROFF = 34
    BOOT_MIGRATE = 35
    BOOT_FAILURE = 36
    BOOT_MIGRATE_FAILURE = 37
    PROLOG_MIGRATE_FAILURE = 38
    PROLOG_FAILURE = 39
    EPILOG_FAILURE = 40
    EPILOG_STOP_FAILURE = 41
    EPILOG_UNDEPLOY_FAILURE = 42
    PROLOG_MIGRATE_POWEROFF = 43
    PROLOG_MIGRATE_POWEROFF_FAILURE = 44
    PROLOG_MIGRATE_SUSPEND = 45
    PROLOG_MIGRATE_SUSPEND_FAILURE = 46
    BOOT_UNDEPLOY_FAILURE = 47
    BOOT_STOPPED_FAILURE = 48
    PROLOG_RESUME_FAILURE = 49
    PROLOG_UNDEPLOY_FAILURE = 50
    DISK_SNAPSHOT_POWEROFF = 51
    DISK_SNAPSHOT_REVERT_POWEROFF = 52
    DISK_SNAPSHOT_DELETE_POWEROFF = 53
    DISK_SNAPSHOT_SUSPENDED = 54
    DISK_SNAPSHOT_REVERT_SUSPENDED = 55
    DISK_SNAPSHOT_DELETE_SUSPENDED = 56
    DISK_SNAPSHOT = 57
    DISK_SNAPSHOT_REVERT = 58
    DISK_SNAPSHOT_DELETE = 59
    PROLOG_MIGRATE_UNKNOWN = 60
    PROLOG_MIGRATE_UNKNOWN_FAILURE = 61
    DISK_RESIZE = 62
    DISK_RESIZE_POWEROFF = 63
    DISK_RESIZE_UNDEPLOYED = 64
    HOTPLUG_NIC_POWEROFF = 65
    HOTPLUG_RESIZE = 66
    HOTPLUG_SAVEAS_UNDEPLOYED = 67
    HOTPLUG_SAVEAS_STOPPED = 68
    BACKUP = 69
    BACKUP_POWEROFF = 70
    RESTORE = 71


class IMAGE_STATES(_Numbers):
    """The state of an image."""

    INIT = 0
    READY = 1
    USED = 2
    DISABLED = 3
    LOCKED = 4
    ERROR = 5
    CLONE = 6
    DELETE = 7
    USED_PERS = 8
    LOCKED_USED = 9
    LOCKED_USED_PERS = 10


class IMAGE_TYPES(_Numbers):
    """What an image is for."""

    OS = 0
    CDROM = 1
    DATABLOCK = 2
    KERNEL = 3
    RAMDISK = 4
    CONTEXT = 5
    BACKUP = 6
    FILESYSTEM = 7


class DATASTORE_TYPES(_Numbers):
    """What a datastore holds."""

    IMAGE = 0
    SYSTEM = 1
    FILE = 2
    BACKUP = 3


class DATASTORE_STATES(_Numbers):
    """The state of a datastore."""

    READY = 0
    DISABLED = 1


class DISK_TYPES(_Numbers):
    """How a disk is kept."""

    FILE = 0
    CD_ROM = 1
    BLOCK = 2
    RBD = 3
    FILE_SYSTEM = 4


class HOST_STATES(_Numbers):
    """The state of a host."""

    INIT = 0
    MONITORING_MONITORED = 1
    MONITORED = 2
    ERROR = 3
    DISABLED = 4
    MONITORING_ERROR = 5
    MONITORING_INIT = 6
    MONITORING_DISABLED = 7
    OFFLINE = 8


class HOST_STATUS(_Numbers):
    """The argument of `one.host.status`."""

    ENABLED = 0
    DISABLED = 1
    OFFLINE = 2


class MARKETPLACEAPP_STATES(_Numbers):
    """The state of an app."""

    INIT = 0
    READY = 1
    LOCKED = 2
    ERROR = 3
    DISABLED = 4


class MARKETPLACEAPP_TYPES(_Numbers):
    """What an app is."""

    UNKNOWN = 0
    IMAGE = 1
    VMTEMPLATE = 2
    SERVICE_TEMPLATE = 3


class VN_STATES(_Numbers):
    """The state of a virtual network."""

    INIT = 0
    READY = 1
    LOCK_CREATE = 2
    LOCK_DELETE = 3
    DONE = 4
    ERROR = 5
    UPDATE_FAILURE = 6


class LOCK_LEVELS(_Numbers):
    """What a lock keeps others from."""

    NONE = 0
    USE = 1
    MANAGE = 2
    ADMIN = 3


#: What was done to a VM; the names have dashes: `HISTORY_ACTION["nic-attach"]`.
HISTORY_ACTION = _Numbers(  # type: ignore[call-arg]  # the way to names that are no identifiers
    "HISTORY_ACTION",  # type: ignore[arg-type]
    [
        ("none", 0),
        ("migrate", 1),
        ("live-migrate", 2),
        ("shutdown", 3),
        ("shutdown-hard", 4),
        ("undeploy", 5),
        ("undeploy-hard", 6),
        ("hold", 7),
        ("release", 8),
        ("stop", 9),
        ("suspend", 10),
        ("resume", 11),
        ("boot", 12),
        ("delete", 13),
        ("delete-recreate", 14),
        ("reboot", 15),
        ("reboot-hard", 16),
        ("resched", 17),
        ("unresched", 18),
        ("poweroff", 19),
        ("poweroff-hard", 20),
        ("disk-attach", 21),
        ("disk-detach", 22),
        ("nic-attach", 23),
        ("nic-detach", 24),
        ("disk-snapshot-create", 25),
        ("disk-snapshot-delete", 26),
        ("terminate", 27),
        ("terminate-hard", 28),
        ("disk-resize", 29),
        ("deploy", 30),
        ("chown", 31),
        ("chmod", 32),
        ("updateconf", 33),
        ("rename", 34),
        ("resize", 35),
        ("update", 36),
        ("snapshot-create", 37),
        ("snapshot-delete", 38),
        ("snapshot-revert", 39),
        ("disk-saveas", 40),
        ("disk-snapshot-revert", 41),
        ("recover", 42),
        ("retry", 43),
        ("monitor", 44),
        ("disk-snapshot-rename", 45),
        ("alias-attach", 46),
        ("alias-detach", 47),
        ("poweroff-migrate", 48),
        ("poweroff-hard-migrate", 49),
        ("backup", 50),
        ("nic-update", 51),
        ("backup-cancel", 52),
        ("sched-add", 53),
        ("sched-update", 54),
        ("sched-delete", 55),
        ("sg-attach", 56),
        ("sg-detach", 57),
        ("pci-attach", 58),
        ("pci-detach", 59),
        ("restore", 60),
        ("exec", 61),
        ("exec-retry", 62),
        ("exec-cancel", 63),
        ("vmgroup-add", 64),
        ("vmgroup-del", 65),
    ],
)
