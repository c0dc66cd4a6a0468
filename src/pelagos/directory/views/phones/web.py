"""What both faces of the phones share: the address that a phone used, and answers as documents."""

from __future__ import annotations

from urllib.parse import quote

from flask import Response, request

from pelagos.directory.views.phones.labels import Labels, labels_for
from pelagos.directory.views.phones.vendors import Vendor
from pelagos.directory.views.rest import PREFIX


def directory_url(*parts: str, public_url: str = "") -> str:
    """The address of something below `/0.1/directories`.

    Args:
        public_url: where phones reach us; empty: where this one did.
    """
    host = request.host or request.environ.get("SERVER_NAME", "localhost")
    root = public_url or f"{request.scheme}://{host}{quote(request.root_path)}"
    below = "/".join(quote(part, safe="") for part in parts)
    return f"{root.rstrip('/')}{PREFIX}/directories/{below}"


def wanted_labels() -> Labels:
    """The words of the language that the phone asks for."""
    return labels_for(request.headers.get("Accept-Language", ""))


def document_answer(vendor: Vendor, text: str) -> Response:
    """The answer that carries a document."""
    content_type = f"{vendor.media_type}; charset=UTF-8"
    return Response(text.encode(), headers={"Content-Type": content_type})
