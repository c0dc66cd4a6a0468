"""What is known of HOOK_MESSAGE. Written by `pelagos one generate`."""

from __future__ import annotations

from pelagos.one.results.element import Element
from pelagos.one.results.field import child_or_none, children, integer_or_none, text_or_none
from pelagos.one.results.types.call_info import CallInfo
from pelagos.one.results.types.host import Host
from pelagos.one.results.types.image import Image
from pelagos.one.results.types.vm import Vm
from pelagos.one.results.types.vnet import VNet


class HookMessage(Element):
    """HOOK_MESSAGE."""

    HOOK_TYPE = text_or_none()
    CALL = text_or_none()
    CALL_INFO = children(CallInfo, "CALL_INFO")
    ARGUMENTS = text_or_none()
    HOOK_ID = integer_or_none()
    HOOK_OBJECT = text_or_none()
    STATE = text_or_none()
    LCM_STATE = text_or_none()
    RESOURCE_ID = integer_or_none()
    REMOTE_HOST = text_or_none()
    HOST = child_or_none(Host, "HOST")
    VM = child_or_none(Vm, "VM")
    IMAGE = child_or_none(Image, "IMAGE")
    VNET = child_or_none(VNet, "VNET")
