"""HTTP for servers: a Flask application with JSON errors, and the WSGI server that runs it.

Holds what every server of Pelagos needs and nothing of what one of them serves. Every error leaves
as `{"error": {"code", "message", "hint"}}` with a fitting status, never as a traceback.
"""

from pelagos.core.web.app import WebError, error_answer, json_answer, make_app
from pelagos.core.web.server import Server
from pelagos.core.web.tls import PEER_CERTIFICATE, ServerTls

__all__ = [
    "PEER_CERTIFICATE",
    "Server",
    "ServerTls",
    "WebError",
    "error_answer",
    "json_answer",
    "make_app",
]
