"""Views of phones: each vendor's documents below `/0.1/directories`, for holders of a token.

A program in front that knows the phones asks with a token of its own, and says in the header
`Proxy-URL` where a phone finds the next document.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from flask import Response, request

from pelagos.core.errors import ConfigError
from pelagos.directory.views.base import BaseViewPlugin
from pelagos.directory.views.phones.display import displays_on_phones
from pelagos.directory.views.phones.lookup import PhoneDirectory, Reader
from pelagos.directory.views.phones.parameters import USER, link, read_query, read_question
from pelagos.directory.views.phones.vendors import (
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
    Vendor,
)
from pelagos.directory.views.phones.vendors.base import Link, Writer
from pelagos.directory.views.phones.web import directory_url, document_answer, wanted_labels
from pelagos.directory.views.rest import AuthResource, asker, required_acl


class PhoneView(BaseViewPlugin):
    """The routes of the vendors that a subclass names.

    `GET /0.1/directories/{menu,input,lookup}/<profile>/<xivo_user_uuid>/<vendor>`, as far as the
    vendor's phones know the step.
    """

    vendors: ClassVar[tuple[Vendor, ...]]

    def load(self, args: Mapping[str, Any]) -> None:
        """Add the routes.

        Raises:
            ConfigError: the service `lookup` is not there, or a display of phones is wrong; names
                its place.
        """
        if "lookup" not in args["services"]:
            raise ConfigError(
                "phones have nothing to ask: the service lookup is not enabled",
                hint="enable it in enabled_plugins.services",
            )
        displays = displays_on_phones(args["config"])
        directory = PhoneDirectory(args["services"]["lookup"], displays)
        api = args["rest_api"]
        for vendor in self.vendors:
            _add(api, "lookup", LookupResource, vendor=vendor, directory=directory)
            if vendor.form:
                _add(api, "input", InputResource, vendor=vendor, write=vendor.form)
            if vendor.menu:
                _add(api, "menu", MenuResource, vendor=vendor, write=vendor.menu)


def _add(api: Any, step: str, resource: type[AuthResource], **needs: Any) -> None:
    name = needs["vendor"].name
    rule = f"/directories/{step}/<profile>/<{USER}>/{name}"
    api.add_resource(resource, rule, endpoint=f"phone_{step}_{name}", resource_class_kwargs=needs)


class MenuResource(AuthResource):
    """The document with which a phone begins."""

    def __init__(self, vendor: Vendor, write: Writer) -> None:
        self._vendor = vendor
        self._write = write

    @required_acl("dird.directories.menu.{profile}.{xivo_user_uuid}.read")
    def get(self, profile: str, xivo_user_uuid: str) -> Response:
        """It leads to the form."""
        to_form = _next("input", profile, xivo_user_uuid, self._vendor)
        return document_answer(self._vendor, self._write(to_form, wanted_labels()))


class InputResource(AuthResource):
    """The document that asks for a term."""

    def __init__(self, vendor: Vendor, write: Writer) -> None:
        self._vendor = vendor
        self._write = write

    @required_acl("dird.directories.input.{profile}.{xivo_user_uuid}.read")
    def get(self, profile: str, xivo_user_uuid: str) -> Response:
        """It leads to the list."""
        to_list = _next("lookup", profile, xivo_user_uuid, self._vendor)
        return document_answer(self._vendor, self._write(to_list, wanted_labels()))


class LookupResource(AuthResource):
    """The document that lists what is known of a term."""

    def __init__(self, vendor: Vendor, directory: PhoneDirectory) -> None:
        self._vendor = vendor
        self._directory = directory

    @required_acl("dird.directories.lookup.{profile}.{xivo_user_uuid}.read")
    def get(self, profile: str, xivo_user_uuid: str) -> Response:
        """One page of it, with the addresses of the pages around."""
        asked = read_question(read_query(request.query_string.decode("latin-1")))
        address = _address("lookup", profile, xivo_user_uuid, self._vendor)
        reader = Reader(self._vendor, wanted_labels(), address, xivo_user_uuid)
        who = asker().on_behalf_of(xivo_user_uuid)
        return document_answer(self._vendor, self._directory.answer(asked, profile, who, reader))


def _next(step: str, profile: str, user: str, vendor: Vendor) -> Link:
    return link(_address(step, profile, user, vendor), **{USER: user})


def _address(step: str, profile: str, user: str, vendor: Vendor) -> str:
    named = request.headers.get("Proxy-URL", "").strip()
    return named or directory_url(step, profile, user, vendor.name)


class AastraView(PhoneView):
    """Aastra and Mitel."""

    vendors = (AASTRA,)


class CiscoView(PhoneView):
    """Cisco."""

    vendors = (CISCO,)


class FanvilView(PhoneView):
    """Fanvil, and the phone book of its newer models."""

    vendors = (FANVIL, FANVIL_PHONEBOOK)


class GigasetView(PhoneView):
    """Gigaset."""

    vendors = (GIGASET,)


class GrandstreamView(PhoneView):
    """Grandstream."""

    vendors = (GRANDSTREAM,)


class HtekView(PhoneView):
    """Htek."""

    vendors = (HTEK,)


class PolycomView(PhoneView):
    """Polycom."""

    vendors = (POLYCOM,)


class SnomView(PhoneView):
    """Snom, and the menus of its newer firmware."""

    vendors = (SNOM, SNOM_MENU)


class ThomsonView(PhoneView):
    """Thomson and Technicolor."""

    vendors = (THOMSON,)


class YealinkView(PhoneView):
    """Yealink."""

    vendors = (YEALINK,)
