"""The part of the command tree that is about object storage; see `pelagos.cli.tree`."""

from __future__ import annotations

ALIASES = {"file": "object"}
"""Other words for groups."""

GROUPS = {
    "container": "Containers of object storage",
    "object": "Objects in object storage; `file` is the same",
    "object sync": "A folder of this computer and a place in object storage",
}

COMMANDS = (
    ("container list", "container:ContainerList", "List the containers"),
    ("container info", "container:ContainerInfo", "Show a container"),
    ("container create", "container:ContainerCreate", "Make a container"),
    ("container modify", "container:ContainerModify", "Change limit, policies, rights, metadata"),
    ("container empty", "container:ContainerEmpty", "Remove all objects of a container"),
    ("container delete", "container:ContainerDelete", "Remove a container"),
    ("object list", "object_listing:ObjectList", "List the objects of a container or folder"),
    ("object info", "object_listing:ObjectInfo", "Show all about one object"),
    ("object upload", "object_transfer:ObjectUpload", "Store files and folders"),
    ("object download", "object_transfer:ObjectDownload", "Bring objects into files and folders"),
    ("object sync up", "object_sync:SyncUp", "Make a place there as a folder here is"),
    ("object sync down", "object_sync:SyncDown", "Make a folder here as a place there is"),
    ("object cat", "object_transfer:ObjectCat", "Print objects as they are"),
    ("object append", "object_transfer:ObjectAppend", "Add a file to the end of an object"),
    ("object truncate", "object_change:ObjectTruncate", "Keep the beginning of an object alone"),
    ("object copy", "object_change:ObjectCopy", "Copy objects in the cloud"),
    ("object move", "object_change:ObjectMove", "Move or rename objects in the cloud"),
    ("object delete", "object_change:ObjectDelete", "Remove objects"),
    ("object mkdir", "object_change:ObjectMkdir", "Make the mark of a folder"),
    ("object modify", "object_change:ObjectModify", "Change the metadata of an object"),
    ("object versions", "object_listing:ObjectVersions", "List the versions of an object"),
    ("object restore", "object_change:ObjectRestore", "Bring a former version back"),
    ("object purge", "object_change:ObjectPurge", "Remove the former versions for good"),
    ("object share", "object_sharing:ObjectShare", "Say who may read and write an object"),
    ("object shared", "object_listing:ObjectShared", "List the accounts that share with you"),
    ("object publish", "object_sharing:ObjectPublish", "Let everybody read an object"),
    ("object unpublish", "object_sharing:ObjectUnpublish", "End that"),
    ("db backup", "db_backup:DbBackup", "Put a backup of the database into object storage"),
    ("db backups", "db_backup:DbBackups", "List the backups in object storage"),
    ("db restore", "db_backup:DbRestore", "Bring a backup into an empty database"),
    ("object url", "object_sharing:ObjectUrl", "Print an address that holds for some time"),
)
