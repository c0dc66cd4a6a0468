"""The vendors whose phones are served, one module each on `base.Vendor`. Pure.

Admission rule: what one vendor's phones need, as data and functions from values to text.
"""

from pelagos.directory.views.phones.vendors.aastra import AASTRA
from pelagos.directory.views.phones.vendors.base import Vendor
from pelagos.directory.views.phones.vendors.cisco import CISCO
from pelagos.directory.views.phones.vendors.fanvil import FANVIL, FANVIL_PHONEBOOK
from pelagos.directory.views.phones.vendors.gigaset import GIGASET
from pelagos.directory.views.phones.vendors.grandstream import GRANDSTREAM
from pelagos.directory.views.phones.vendors.htek import HTEK
from pelagos.directory.views.phones.vendors.polycom import POLYCOM
from pelagos.directory.views.phones.vendors.snom import SNOM, SNOM_MENU
from pelagos.directory.views.phones.vendors.thomson import THOMSON
from pelagos.directory.views.phones.vendors.yealink import YEALINK

#: All of them; of those that share a User-Agent the first is meant.
VENDORS: tuple[Vendor, ...] = (
    AASTRA,
    CISCO,
    FANVIL,
    FANVIL_PHONEBOOK,
    GIGASET,
    GRANDSTREAM,
    HTEK,
    POLYCOM,
    SNOM,
    SNOM_MENU,
    THOMSON,
    YEALINK,
)

__all__ = [
    "AASTRA",
    "CISCO",
    "FANVIL",
    "FANVIL_PHONEBOOK",
    "GIGASET",
    "GRANDSTREAM",
    "HTEK",
    "POLYCOM",
    "SNOM",
    "SNOM_MENU",
    "THOMSON",
    "VENDORS",
    "YEALINK",
    "Vendor",
]
