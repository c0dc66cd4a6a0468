"""`pyone.helpers`: what is made of several calls."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pelagos.one import OneHelperException

if TYPE_CHECKING:  # only its name is needed
    from pelagos.one import OneServer
    from pelagos.one.market import Exported

__all__ = ["OneHelperException", "marketapp_export"]


def marketapp_export(
    one: OneServer,
    appid: int,
    dsid: int | None = None,
    name: str | None = None,
    vmtemplate_name: str | None = None,
) -> Exported:
    """Make an image of an app, and the template that comes with it.

    Raises:
        OneHelperException: the app cannot be exported.
    """
    made: Exported = one.marketapp.export(
        appid, dsid=dsid, name=name, vmtemplate_name=vmtemplate_name
    )
    return made
