"""Networks asked as Neutron."""

from __future__ import annotations

from http import HTTPStatus

from pelagos.box.errors import Refused
from pelagos.box.identity.identity import Identity
from pelagos.box.limits import Limits
from pelagos.box.neighbours import Neighbours
from pelagos.box.network.network import Network
from pelagos.box.network.neutron.api import NeutronApi
from pelagos.box.network.neutron.quotas import DEFAULTS, Quotas
from pelagos.box.service import Offer, Service
from pelagos.box.web import Answer, Request, json_answer

__all__ = ["neutron"]

PREFIX = "/network"


def neutron(identity: Identity, network: Network, neighbours: Neighbours) -> Service:
    """The service."""
    store = network.store
    counted = {
        "network": store.networks,
        "subnet": store.subnets,
        "port": store.ports,
        "router": store.routers,
        "floatingip": store.floatingips,
        "security_group": store.groups,
        "security_group_rule": store.rules,
    }
    quotas = Quotas(Limits(identity.database, "neutron", DEFAULTS), counted)
    api = NeutronApi(identity, network, quotas, neighbours)
    return Service((PREFIX,), api.answer, _shape, (Offer("network", "neutron", PREFIX),))


def _shape(request: Request, refused: Refused) -> Answer:
    status = refused.status
    if status == HTTPStatus.UNAUTHORIZED:
        error = {"code": status, "message": refused.message, "title": "Unauthorized"}
        answer = json_answer({"error": error}, status)
        answer.headers["WWW-Authenticate"] = f'Keystone uri="{request.host}/identity"'
        return answer
    kind = refused.name or f"HTTP{HTTPStatus(status).phrase.title().replace(' ', '')}"
    error = {"type": kind, "message": refused.message, "detail": refused.details}
    answer = json_answer({"NeutronError": error}, status)
    answer.headers.update(refused.headers)
    return answer
