"""The door for desk phones: a WSGI application of its own, for phones that can show no token.

Who may ask is told by the address of the socket alone. The door asks the lookup service in this
process, as itself, for the user whom the phone names.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Mapping
from typing import Any

from flask import Flask, Response, request

from pelagos.core.web import WebError, error_answer, make_app
from pelagos.directory.errors import RequestError
from pelagos.directory.model import Asker
from pelagos.directory.settings import PhoneDisplay
from pelagos.directory.views.phones.lookup import Lookup, PhoneDirectory, Reader
from pelagos.directory.views.phones.parameters import (
    NOBODY,
    USER,
    Asked,
    link,
    read_gigaset_question,
    read_query,
    read_question,
)
from pelagos.directory.views.phones.settings import Subnet
from pelagos.directory.views.phones.vendors import GIGASET, GRANDSTREAM, VENDORS, Vendor
from pelagos.directory.views.phones.web import directory_url, document_answer, wanted_labels
from pelagos.directory.views.rest import PREFIX

_MAX_BODY = 1024  # phones send none
_STEP = f"{PREFIX}/directories/<any(menu, input, lookup):step>"
_LIST = f"{PREFIX}/directories/lookup/<profile>"
_AUTODETECT = "autodetect"


class PhoneDoor:
    """Serves every vendor's phones below `/0.1/directories`.

        {menu,input,lookup}/<profile>/<vendor>?xivo_user_uuid=…[&term=&limit=&offset=]
        {menu,input,lookup}/autodetect             the vendor is known by its User-Agent
        lookup/<profile>/gigaset/<user>            in Gigaset's own words
        lookup/<profile>/grandstream/<user>/phonebook.xml

    Args:
        service: the service `lookup` of a directory.
        displays: of each profile that phones may ask; see `display.displays_on_phones`.
        subnets: where phones may ask from.
        profile: of phones that name none.
        public_url: what the addresses in documents begin with; empty: what the phone asked at.
        token: what sources get as the token of whoever asks; empty for none.

    Attributes:
        app: the WSGI application.
    """

    def __init__(
        self,
        service: Lookup,
        displays: Mapping[str, PhoneDisplay],
        *,
        subnets: Iterable[Subnet],
        profile: str = "default",
        public_url: str = "",
        token: str = "",
    ) -> None:
        self._directory = PhoneDirectory(service, displays)
        self._subnets = tuple(subnets)
        self._profile = profile
        self._public_url = public_url
        self._identity = Asker(token, {"auth_id": "phones", "xivo_user_uuid": None})
        self._vendors = {vendor.name: vendor for vendor in VENDORS}
        self.app = self._make_app()

    def _make_app(self) -> Flask:
        app = make_app(__name__, max_body=_MAX_BODY)
        app.before_request(self._let_in)
        app.after_request(_harden)
        app.register_error_handler(RequestError, _refused)
        app.add_url_rule(f"{_STEP}/<profile>/<vendor>", "step", self._step)
        app.add_url_rule(f"{_STEP}/{_AUTODETECT}", "autodetect", self._autodetect)
        app.add_url_rule(f"{_LIST}/gigaset/<user>", "gigaset", self._gigaset)
        for name in ("phonebook.xml", "gs_phonebook.xml"):  # the phones choose by their model
            app.add_url_rule(f"{_LIST}/grandstream/<user>/{name}", name, self._grandstream)
        return app

    def _let_in(self) -> None:
        """Let nobody ask from elsewhere; a header that names another address changes nothing."""
        peer = _parse_address(request.environ.get("REMOTE_ADDR", ""))
        if not any(peer in subnet for subnet in self._subnets if peer is not None):
            raise WebError(
                403,
                "not-a-phone",
                "this address may not ask",
                hint="add its network to phones.authorized_subnets",
            )

    def _step(self, step: str, profile: str, vendor: str) -> Response:
        if vendor not in self._vendors:
            raise WebError(404, "unknown-vendor", f"there are no phones of {vendor!r}")
        params = read_query(request.query_string.decode("latin-1"))
        return self._serve(step, profile, self._vendors[vendor], params)

    def _autodetect(self, step: str) -> Response:
        agent = (request.user_agent.string or "").lower()
        vendor = next((v for v in VENDORS if any(word in agent for word in v.agents)), None)
        if vendor is None:
            raise WebError(404, "unknown-vendor", "no vendor is known by this User-Agent")
        params = read_query(request.query_string.decode("latin-1"))
        return self._serve(step, self._profile, vendor, params)

    def _gigaset(self, profile: str, user: str) -> Response:
        asked = read_gigaset_question(read_query(request.query_string.decode("latin-1")))
        return self._list(profile, GIGASET, user, asked)

    def _grandstream(self, profile: str, user: str) -> Response:
        return self._list(profile, GRANDSTREAM, user, Asked(""))

    def _serve(
        self, step: str, profile: str, vendor: Vendor, params: Mapping[str, str]
    ) -> Response:
        user = params.get(USER) or NOBODY
        if step == "lookup":
            own_words = vendor is GIGASET and "term" not in params
            asked = (read_gigaset_question if own_words else read_question)(params)
            return self._list(profile, vendor, user, asked)
        to_form, to_list = (
            link(self._address(name, profile, vendor), **{USER: user})
            for name in ("input", "lookup")
        )
        if step == "menu" and vendor.menu:
            return document_answer(vendor, vendor.menu(to_form, wanted_labels()))
        if vendor.form:  # also in the place of a menu
            return document_answer(vendor, vendor.form(to_list, wanted_labels()))
        raise WebError(
            404,
            "no-form",
            f"phones of {vendor.name} ask for the term themselves",
            hint=f"give them {to_list.address}",
        )

    def _list(self, profile: str, vendor: Vendor, user: str, asked: Asked) -> Response:
        address = self._address("lookup", profile, vendor)
        reader = Reader(vendor, wanted_labels(), address, user)
        who = self._identity.on_behalf_of(user)
        return document_answer(vendor, self._directory.answer(asked, profile, who, reader))

    def _address(self, step: str, profile: str, vendor: Vendor) -> str:
        return directory_url(step, profile, vendor.name, public_url=self._public_url)


def _parse_address(text: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return None
    mapped: Any = getattr(address, "ipv4_mapped", None)  # of a socket that speaks both
    return mapped or address


def _harden(answer: Response) -> Response:
    """What is personal stays in no cache, and nothing is taken for what it does not say it is."""
    answer.headers["X-Content-Type-Options"] = "nosniff"
    answer.headers["Cache-Control"] = "no-store"
    return answer


def _refused(error: RequestError) -> Response:
    status = 503 if error.status == 401 else error.status  # noqa: PLR2004  # nobody can mend it there
    headers = {"Retry-After": "60"} if status == 503 else {}  # noqa: PLR2004  # RFC 9110
    return error_answer(WebError(status, "refused", str(error), hint=error.hint, headers=headers))
