"""What is known of DOCUMENT and DOCUMENT_POOL. Written by `pelagos one generate`."""

from __future__ import annotations

from pelagos.one.results.element import Element, Pool
from pelagos.one.results.field import child, child_or_none, children, integer, template, text
from pelagos.one.results.types.shared import Lock, Permissions


class Document(Element):
    """DOCUMENT."""

    ID = integer()
    UID = integer()
    GID = integer()
    UNAME = text()
    GNAME = text()
    NAME = text()
    TYPE = text()
    PERMISSIONS = child(Permissions, "PERMISSIONS")
    LOCK = child_or_none(Lock, "LOCK")
    TEMPLATE = template()


class DocumentPool(Pool[Document]):
    """DOCUMENT_POOL."""

    _member_ = "DOCUMENT"
    DOCUMENT = children(Document, "DOCUMENT")
