"""What is known of BACKUPJOB and BACKUPJOB_POOL. Written by `pelagos one generate`."""

from __future__ import annotations

from pelagos.one.results.element import Element, Pool
from pelagos.one.results.field import child, child_or_none, children, integer, template, text
from pelagos.one.results.types.shared import Ids, Lock, Permissions


class BackupJob(Element):
    """BACKUPJOB."""

    ID = integer()
    UID = integer()
    GID = integer()
    UNAME = text()
    GNAME = text()
    NAME = text()
    LOCK = child_or_none(Lock, "LOCK")
    PERMISSIONS = child(Permissions, "PERMISSIONS")
    PRIORITY = integer()
    LAST_BACKUP_TIME = integer()
    LAST_BACKUP_DURATION = integer()
    SCHED_ACTIONS = child(Ids, "SCHED_ACTIONS")
    UPDATED_VMS = child(Ids, "UPDATED_VMS")
    OUTDATED_VMS = child(Ids, "OUTDATED_VMS")
    BACKING_UP_VMS = child(Ids, "BACKING_UP_VMS")
    ERROR_VMS = child(Ids, "ERROR_VMS")
    TEMPLATE = template()


class BackupJobPool(Pool[BackupJob]):
    """BACKUPJOB_POOL."""

    _member_ = "BACKUPJOB"
    BACKUPJOB = children(BackupJob, "BACKUPJOB")
