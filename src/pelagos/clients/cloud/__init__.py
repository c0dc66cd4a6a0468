"""The way in: a cloud by its name, from whichever file it is written in."""

from pelagos.clients.cloud.cloud import Cloud
from pelagos.clients.cloud.known import KnownClouds
from pelagos.clients.cloud.session import CloudSession
from pelagos.clients.login.access import Access
from pelagos.clients.login.catalogue import Catalogue, Endpoint
from pelagos.clients.login.settings import CloudSettings

__all__ = [
    "Access",
    "Catalogue",
    "Cloud",
    "CloudSession",
    "CloudSettings",
    "Endpoint",
    "KnownClouds",
]
