"""What is known of IMAGE and IMAGE_POOL. Written by `pelagos one generate`."""

from __future__ import annotations

from pelagos.one.results.element import Element, Pool
from pelagos.one.results.field import (
    child,
    child_or_none,
    children,
    integer,
    integer_or_none,
    template,
    text,
    text_or_none,
)
from pelagos.one.results.types.shared import Ids, Lock, Permissions


class ImageSnapshotsSnapshot(Element):
    """IMAGE/SNAPSHOTS/SNAPSHOT."""

    CHILDREN = text_or_none()
    ACTIVE = text_or_none()
    DATE = integer()
    ID = integer()
    NAME = text_or_none()
    PARENT = integer()
    SIZE = integer()


class ImageSnapshots(Element):
    """IMAGE/SNAPSHOTS."""

    ALLOW_ORPHANS = text()
    CURRENT_BASE = integer()
    NEXT_SNAPSHOT = text()
    SNAPSHOT = children(ImageSnapshotsSnapshot, "SNAPSHOT")


class ImageBackupIncrementsIncrement(Element):
    """IMAGE/BACKUP_INCREMENTS/INCREMENT."""

    DATE = text()
    ID = text()
    PARENT_ID = integer_or_none()
    SIZE = text()
    SOURCE = text()
    TYPE = text()


class ImageBackupIncrements(Element):
    """IMAGE/BACKUP_INCREMENTS."""

    INCREMENT = children(ImageBackupIncrementsIncrement, "INCREMENT")


class Image(Element):
    """IMAGE."""

    ID = integer()
    UID = integer()
    GID = integer()
    UNAME = text()
    GNAME = text()
    NAME = text()
    LOCK = child_or_none(Lock, "LOCK")
    PERMISSIONS = child(Permissions, "PERMISSIONS")
    TYPE = integer()
    DISK_TYPE = integer()
    PERSISTENT = integer()
    REGTIME = integer()
    MODTIME = integer()
    SOURCE = text()
    PATH = text()
    FORMAT = text()
    FS = text()
    SIZE = integer()
    STATE = integer()
    PREV_STATE = integer()
    RUNNING_VMS = integer()
    CLONING_OPS = integer()
    CLONING_ID = integer()
    TARGET_SNAPSHOT = integer()
    DATASTORE_ID = integer()
    DATASTORE = text()
    VMS = child(Ids, "VMS")
    CLONES = child(Ids, "CLONES")
    APP_CLONES = child(Ids, "APP_CLONES")
    TEMPLATE = template()
    SNAPSHOTS = child(ImageSnapshots, "SNAPSHOTS")
    BACKUP_INCREMENTS = child(ImageBackupIncrements, "BACKUP_INCREMENTS")
    BACKUP_DISK_IDS = child_or_none(Ids, "BACKUP_DISK_IDS")


class ImagePool(Pool[Image]):
    """IMAGE_POOL."""

    _member_ = "IMAGE"
    IMAGE = children(Image, "IMAGE")
