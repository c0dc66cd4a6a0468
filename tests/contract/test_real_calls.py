"""Which methods of the clients are called on real services of OpenStack, and which cannot be.

By their names in the suites; `make openstack` notes the calls as well.
"""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from pelagos.clients import (
    BlockStorageClient,
    Client,
    ComputeClient,
    IdentityClient,
    ImageClient,
    NetworkClient,
    PithosClient,
    StorageClient,
)
from support import real_calls

from .test_swift_places import PITHOS_ALONE

#: Suites that run on them.
SUITES = {
    ComputeClient: ("test_servers.py", "test_server_networks.py", "test_volumes.py"),
    NetworkClient: ("test_networks.py",),
    BlockStorageClient: ("test_volumes.py",),
    ImageClient: ("test_images.py",),
    IdentityClient: ("test_identity.py", "test_keystone_places.py"),
    StorageClient: ("test_object_storage.py", "test_swift_places.py"),
    PithosClient: ("test_object_storage.py", "test_swift_places.py"),
}
#: What no service of OpenStack answers, and why.
UNANSWERED = {
    **real_calls.UNANSWERED,
    PithosClient: {
        **real_calls.UNANSWERED[PithosClient],
        **dict.fromkeys(PITHOS_ALONE, "refused before it is sent: Swift has no such thing"),
    },
}


def called(kind: type[Client]) -> set[str]:
    """Names that the suites call, or hand on to be called."""
    folder = Path(__file__).parent
    text = "".join((folder / name).read_text() for name in SUITES[kind])
    return set(re.findall(r"\.([a-z_]+)\b", text))


@pytest.mark.parametrize("kind", SUITES, ids=lambda kind: str(kind.__name__))
def test_every_method_is_called_on_a_real_service(kind: type[Client]) -> None:
    named = UNANSWERED.get(kind, {})
    assert real_calls.methods(kind) - called(kind) - set(named) == set()
    assert set(named) <= real_calls.methods(kind) - called(kind)
