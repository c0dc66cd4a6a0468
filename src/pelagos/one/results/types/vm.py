"""What is known of VM and VM_POOL. Written by `pelagos one generate`."""

from __future__ import annotations

from pelagos.one.results.element import Element, Pool
from pelagos.one.results.field import (
    child,
    child_or_none,
    children,
    decimal_or_none,
    integer,
    integer_or_none,
    template,
    text,
    text_or_none,
)
from pelagos.one.results.types.shared import Ids, Lock, Permissions


class VmMonitoringDiskSize(Element):
    """VM/MONITORING/DISK_SIZE."""

    ID = integer()
    SIZE = integer()


class VmMonitoring(Element):
    """VM/MONITORING."""

    CPU = decimal_or_none()
    CPU_FORECAST = decimal_or_none()
    CPU_FORECAST_FAR = decimal_or_none()
    DISKRDBYTES = decimal_or_none()
    DISKRDBYTES_BW = decimal_or_none()
    DISKRDBYTES_BW_FORECAST = decimal_or_none()
    DISKRDBYTES_BW_FORECAST_FAR = decimal_or_none()
    DISKRDIOPS = decimal_or_none()
    DISKRDIOPS_BW = decimal_or_none()
    DISKRDIOPS_BW_FORECAST = decimal_or_none()
    DISKRDIOPS_BW_FORECAST_FAR = decimal_or_none()
    DISKWRBYTES = decimal_or_none()
    DISKWRBYTES_BW = decimal_or_none()
    DISKWRBYTES_BW_FORECAST = decimal_or_none()
    DISKWRBYTES_BW_FORECAST_FAR = decimal_or_none()
    DISKWRIOPS = decimal_or_none()
    DISKWRIOPS_BW = decimal_or_none()
    DISKWRIOPS_BW_FORECAST = decimal_or_none()
    DISKWRIOPS_BW_FORECAST_FAR = decimal_or_none()
    DISK_SIZE = children(VmMonitoringDiskSize, "DISK_SIZE")
    ID = integer_or_none()
    MEMORY = decimal_or_none()
    MEMORY_FORECAST = decimal_or_none()
    MEMORY_FORECAST_FAR = decimal_or_none()
    NETRX = decimal_or_none()
    NETRX_BW = decimal_or_none()
    NETRX_BW_FORECAST = decimal_or_none()
    NETRX_BW_FORECAST_FAR = decimal_or_none()
    NETTX = decimal_or_none()
    NETTX_BW = decimal_or_none()
    NETTX_BW_FORECAST = decimal_or_none()
    NETTX_BW_FORECAST_FAR = decimal_or_none()
    TIMESTAMP = integer_or_none()


class VmHistoryRecordsHistory(Element):
    """VM/HISTORY_RECORDS/HISTORY."""

    OID = integer()
    SEQ = integer()
    HOSTNAME = text()
    HID = integer()
    CID = integer()
    STIME = integer_or_none()
    ETIME = integer_or_none()
    VM_MAD = text()
    TM_MAD = text()
    DS_ID = integer()
    PLAN_ID = integer_or_none()
    ACTION_ID = integer_or_none()
    PSTIME = integer_or_none()
    PETIME = integer_or_none()
    RSTIME = integer_or_none()
    RETIME = integer_or_none()
    ESTIME = integer_or_none()
    EETIME = integer_or_none()
    ACTION = integer()
    UID = integer_or_none()
    GID = integer_or_none()
    REQUEST_ID = text_or_none()


class VmHistoryRecords(Element):
    """VM/HISTORY_RECORDS."""

    HISTORY = children(VmHistoryRecordsHistory, "HISTORY")


class VmSnapshotsSnapshot(Element):
    """VM/SNAPSHOTS/SNAPSHOT."""

    ACTIVE = text_or_none()
    CHILDREN = text_or_none()
    DATE = integer()
    ID = integer()
    NAME = text_or_none()
    PARENT = integer()
    SIZE = integer()


class VmSnapshots(Element):
    """VM/SNAPSHOTS."""

    ALLOW_ORPHANS = text()
    CURRENT_BASE = integer()
    DISK_ID = integer()
    NEXT_SNAPSHOT = integer()
    SNAPSHOT = children(VmSnapshotsSnapshot, "SNAPSHOT")


class VmBackupsBackupConfig(Element):
    """VM/BACKUPS/BACKUP_CONFIG."""

    BACKUP_JOB_ID = text_or_none()
    BACKUP_VOLATILE = text_or_none()
    DISK_IDS = text_or_none()
    FS_FREEZE = text_or_none()
    INCREMENTAL_BACKUP_ID = text_or_none()
    INCREMENT_MODE = text_or_none()
    INTERACTIVE = text_or_none()
    KEEP_LAST = text_or_none()
    LAST_BACKUP_ID = text_or_none()
    LAST_BACKUP_SIZE = text_or_none()
    LAST_BRIDGE = text_or_none()
    LAST_DATASTORE_ID = text_or_none()
    LAST_INCREMENT_ID = text_or_none()
    MODE = text_or_none()


class VmBackups(Element):
    """VM/BACKUPS."""

    BACKUP_CONFIG = child(VmBackupsBackupConfig, "BACKUP_CONFIG")
    BACKUP_IDS = child(Ids, "BACKUP_IDS")


class Vm(Element):
    """VM."""

    ID = integer()
    UID = integer()
    GID = integer()
    UNAME = text()
    GNAME = text()
    NAME = text()
    PERMISSIONS = child_or_none(Permissions, "PERMISSIONS")
    LAST_POLL = integer()
    STATE = integer()
    LCM_STATE = integer()
    PREV_STATE = integer_or_none()
    PREV_LCM_STATE = integer_or_none()
    RESCHED = integer()
    STIME = integer()
    ETIME = integer()
    DEPLOY_ID = text()
    LOCK = child_or_none(Lock, "LOCK")
    MONITORING = child(VmMonitoring, "MONITORING")
    SCHED_ACTIONS = child_or_none(Ids, "SCHED_ACTIONS")
    TEMPLATE = template()
    USER_TEMPLATE = template()
    HISTORY_RECORDS = child(VmHistoryRecords, "HISTORY_RECORDS")
    SNAPSHOTS = children(VmSnapshots, "SNAPSHOTS")
    BACKUPS = child_or_none(VmBackups, "BACKUPS")


class VmPool(Pool[Vm]):
    """VM_POOL."""

    _member_ = "VM"
    VM = children(Vm, "VM")
