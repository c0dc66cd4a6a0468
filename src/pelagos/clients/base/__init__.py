"""What every client is made of: verbs, answers, paging, waiting, threads."""

from pelagos.clients.base.call import path4url
from pelagos.clients.base.client import Client, Session, Success
from pelagos.clients.base.dialect import Dialect, dialect_of
from pelagos.clients.base.paging import pages, records
from pelagos.clients.base.reply import Reply
from pelagos.clients.base.threads import SilentEvent
from pelagos.clients.base.waiting import Waiter, wait, wait_until, wait_while

__all__ = [
    "Client",
    "Dialect",
    "Reply",
    "Session",
    "SilentEvent",
    "Success",
    "Waiter",
    "dialect_of",
    "pages",
    "path4url",
    "records",
    "wait",
    "wait_until",
    "wait_while",
]
