"""The methods with which a connection begins and ends."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from typing import Any

from pelagos.messaging.codec.methods.base import Method


class ConnectionStart(Method):
    """connection.start."""

    INDEX = (10, 10)
    KINDS = "bbFSS"

    version_major: int = 0
    version_minor: int = 9
    server_properties: Mapping[str, Any] = field(default_factory=dict)
    mechanisms: bytes = b"PLAIN"
    locales: bytes = b"en_US"


class ConnectionStartOk(Method):
    """connection.start-ok."""

    INDEX = (10, 11)
    KINDS = "FsSs"

    client_properties: Mapping[str, Any] = field(default_factory=dict)
    mechanism: str = "PLAIN"
    response: bytes = b""
    locale: str = "en_US"


class ConnectionSecure(Method):
    """connection.secure."""

    INDEX = (10, 20)
    KINDS = "S"

    challenge: bytes = b""


class ConnectionSecureOk(Method):
    """connection.secure-ok."""

    INDEX = (10, 21)
    KINDS = "S"

    response: bytes = b""


class ConnectionTune(Method):
    """connection.tune."""

    INDEX = (10, 30)
    KINDS = "hlh"

    channel_max: int = 0
    frame_max: int = 0
    heartbeat: int = 0


class ConnectionTuneOk(Method):
    """connection.tune-ok."""

    INDEX = (10, 31)
    KINDS = "hlh"

    channel_max: int = 0
    frame_max: int = 0
    heartbeat: int = 0


class ConnectionOpen(Method):
    """connection.open."""

    INDEX = (10, 40)
    KINDS = "s12"

    virtual_host: str = "/"


class ConnectionOpenOk(Method):
    """connection.open-ok."""

    INDEX = (10, 41)
    KINDS = "1"


class ConnectionClose(Method):
    """connection.close."""

    INDEX = (10, 50)
    KINDS = "hshh"

    reply_code: int = 200
    reply_text: str = ""
    class_id: int = 0
    method_id: int = 0


class ConnectionCloseOk(Method):
    """connection.close-ok."""

    INDEX = (10, 51)


class ConnectionBlocked(Method):
    """connection.blocked."""

    INDEX = (10, 60)
    KINDS = "s"

    reason: str = ""


class ConnectionUnblocked(Method):
    """connection.unblocked."""

    INDEX = (10, 61)


class ConnectionUpdateSecret(Method):
    """connection.update-secret."""

    INDEX = (10, 70)
    KINDS = "Ss"

    new_secret: bytes = b""
    reason: str = ""


class ConnectionUpdateSecretOk(Method):
    """connection.update-secret-ok."""

    INDEX = (10, 71)


class ChannelOpen(Method):
    """channel.open."""

    INDEX = (20, 10)
    KINDS = "1"


class ChannelOpenOk(Method):
    """channel.open-ok."""

    INDEX = (20, 11)
    KINDS = "3"


class ChannelFlow(Method):
    """channel.flow."""

    INDEX = (20, 20)
    KINDS = "t"

    active: bool = True


class ChannelFlowOk(Method):
    """channel.flow-ok."""

    INDEX = (20, 21)
    KINDS = "t"

    active: bool = True


class ChannelClose(Method):
    """channel.close."""

    INDEX = (20, 40)
    KINDS = "hshh"

    reply_code: int = 200
    reply_text: str = ""
    class_id: int = 0
    method_id: int = 0


class ChannelCloseOk(Method):
    """channel.close-ok."""

    INDEX = (20, 41)
