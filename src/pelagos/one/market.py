"""An app of a marketplace taken into the own cloud: several calls, put together here."""

from __future__ import annotations

import base64
import binascii
from typing import Any, TypedDict

from pelagos.one.constants import MARKETPLACEAPP_STATES, MARKETPLACEAPP_TYPES
from pelagos.one.errors import OneException, OneHelperException
from pelagos.one.resources import Calls

_METHOD = "one.marketapp.export"
_BY_DEFAULT = "default"


class Exported(TypedDict):
    """What was made.

    Attributes:
        image: id of the image; the server still downloads it.
        vmtemplate: id of the template, -1 when the app has none.
    """

    image: int
    vmtemplate: int


class MarketappCalls(Calls):
    """The calls of an app, and `export`."""

    def export(
        self,
        appid: int,
        dsid: int | None = None,
        name: str | None = None,
        vmtemplate_name: str | None = None,
    ) -> Exported:
        """Make an image of an app, and the VM template that comes with it.

        Args:
            dsid: the datastore of the image; by default the one named "default".
            name: of the image; by default the app's.
            vmtemplate_name: by default the image's.

        Raises:
            OneHelperException: the app is not ready or not an image, there is no such
                datastore, or the template could not be made; then the image was removed again.
            OneException: as of the calls that it makes.
        """
        one: Any = self._sender
        app = one.marketapp.info(appid)
        if app.STATE != MARKETPLACEAPP_STATES.READY:
            state = MARKETPLACEAPP_STATES(app.STATE).name
            raise _unfit(appid, f"is {state} and not READY", "wait until it is ready")
        if app.TYPE not in {
            MARKETPLACEAPP_TYPES.IMAGE,
            "IMAGE",
            str(int(MARKETPLACEAPP_TYPES.IMAGE)),
        }:
            raise _unfit(appid, "is not an image", "only apps of the type IMAGE can be exported")
        target = _datastore(one) if dsid is None else dsid
        image_name = name or app.NAME
        image = one.image.allocate(_image_template(app, appid, image_name), target)
        vmtemplate = -1
        if "VMTEMPLATE64" in app.TEMPLATE:
            try:
                text = _vm_template(app, appid, vmtemplate_name or image_name, image)
                vmtemplate = one.template.allocate(text)
            except OneException as error:
                one.image.delete(image)
                raise OneHelperException(
                    f"the template of the app {appid} could not be made, and its image was "
                    f"removed again: {error}",
                    method=_METHOD,
                    object_id=appid,
                    hint=error.hint,
                ) from error
        return {"image": image, "vmtemplate": vmtemplate}


def _datastore(one: Any) -> int:
    for datastore in one.datastorepool.info():
        if datastore.NAME == _BY_DEFAULT:
            return int(datastore.ID)
    raise OneHelperException(
        'there is no datastore named "default"', method=_METHOD, hint="give dsid"
    )


def _image_template(app: Any, appid: int, name: str) -> str:
    from pelagos.one.template import encode  # noqa: PLC0415  # only who sends templates pays

    text = _decoded(app, appid, "APPTEMPLATE64")
    return f"{text}\n{encode({'NAME': name, 'FROM_APP': appid})}"


def _vm_template(app: Any, appid: int, name: str, image: int) -> str:
    from pelagos.one.template import encode  # noqa: PLC0415  # only who sends templates pays

    text = _decoded(app, appid, "VMTEMPLATE64")
    return f'{text}\n{encode({"NAME": name})}\nDISK=[IMAGE_ID="{image:d}"]\n'


def _decoded(app: Any, appid: int, name: str) -> str:
    try:
        return base64.b64decode(app.TEMPLATE.get(name, ""), validate=False).decode()
    except (binascii.Error, UnicodeDecodeError, TypeError) as error:
        raise _unfit(
            appid, f"has a {name} that is not base64 of a text", "ask its owner"
        ) from error


def _unfit(appid: int, what: str, hint: str) -> OneHelperException:
    return OneHelperException(
        f"the app {appid} {what}", method=_METHOD, object_id=appid, hint=hint
    )
