"""What is known of DATASTORE and DATASTORE_POOL. Written by `pelagos one generate`."""

from __future__ import annotations

from pelagos.one.results.element import Element, Pool
from pelagos.one.results.field import child, children, integer, template, text
from pelagos.one.results.types.shared import Ids, Permissions


class Datastore(Element):
    """DATASTORE."""

    ID = integer()
    UID = integer()
    GID = integer()
    UNAME = text()
    GNAME = text()
    NAME = text()
    PERMISSIONS = child(Permissions, "PERMISSIONS")
    DS_MAD = text()
    TM_MAD = text()
    BASE_PATH = text()
    TYPE = integer()
    DISK_TYPE = integer()
    STATE = integer()
    CLUSTERS = child(Ids, "CLUSTERS")
    TOTAL_MB = integer()
    FREE_MB = integer()
    USED_MB = integer()
    IMAGES = child(Ids, "IMAGES")
    TEMPLATE = template()


class DatastorePool(Pool[Datastore]):
    """DATASTORE_POOL."""

    _member_ = "DATASTORE"
    DATASTORE = children(Datastore, "DATASTORE")
