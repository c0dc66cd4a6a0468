"""HTTP for clients: one immutable client over a pooled (or faked) transport.

>>> from pelagos.core.http import HttpClient, FakeTransport, Response
>>> table = {"GET /x": Response(200, {}, b"{}")}
>>> client = HttpClient("http://master/", transport=FakeTransport(table))
>>> client.request("GET", "x").json()
{}
"""

from pelagos.core.http.client import HttpClient
from pelagos.core.http.errors import (
    HttpError,
    HttpProtocolError,
    HttpTimeout,
    HttpTlsError,
    HttpUnreachable,
)
from pelagos.core.http.transports.fake import FakeTransport
from pelagos.core.http.types import ClientTls, Headers, Request, Response

__all__ = [
    "ClientTls",
    "FakeTransport",
    "Headers",
    "HttpClient",
    "HttpError",
    "HttpProtocolError",
    "HttpTimeout",
    "HttpTlsError",
    "HttpUnreachable",
    "Request",
    "Response",
]
