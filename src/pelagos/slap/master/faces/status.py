"""The reads of SLAP that few programs make, and what a partition says while it is prepared."""

from __future__ import annotations

import secrets

from pelagos.slap import calls, marshal, protocol
from pelagos.slap.master.faces.call import TEXT, XML, Answer, Call, Route
from pelagos.slap.master.faces.caller import rest_url
from pelagos.slap.master.service import Service

_STATUS_AGE = {"Cache-Control": "private, max-age=60", "Vary": "Authorization"}


class StatusFace:
    """One method per call.

    Args:
        service: the use cases.
    """

    def __init__(self, service: Service) -> None:
        self._service = service
        self._run_id = secrets.token_hex(16)

    def routes(self) -> list[Route]:
        """Where each call is answered."""
        return [
            Route(name, verb, f"/{name}", work, by_agent)
            for name, verb, work, by_agent in (
                (calls.COMPUTER_STATUS, "GET", self.computer_status, False),
                (calls.PARTITION_STATUS, "GET", self.partition_status, False),
                (calls.INSTALLATION_STATUS, "GET", self.installation_status, False),
                (calls.TREE_ADDRESSES, "GET", self.tree_addresses, False),
                (calls.PRODUCT, "GET", self.product, False),
                (protocol.HATEOAS_URL, "GET", self.hateoas_url, False),
                (calls.RUN_ID, "GET", self.run_id, False),
                (calls.PARTITION_BUILDING, "POST", self.preparing, True),
                (calls.PARTITION_AVAILABLE, "POST", self.preparing, True),
            )
        ]

    def computer_status(self, call: Call) -> Answer:
        """What was last heard of a computer."""
        found = self._service.computer_status(call.computer(), call.identity)
        return Answer(marshal.dumps(found), XML, 200, _STATUS_AGE)

    def partition_status(self, call: Call) -> Answer:
        """What was last reported of an instance."""
        found = self._service.partition_status(*call.partition(), call.identity)
        return Answer(marshal.dumps(found), XML, 200, _STATUS_AGE)

    def installation_status(self, call: Call) -> Answer:
        """What was last reported of a release on a computer."""
        url = protocol.text_field(call.fields, "url", limit=protocol.URL_LIMIT)
        found = self._service.installation_status(call.computer(), url, call.identity)
        return Answer(marshal.dumps(found), XML, 200, _STATUS_AGE)

    def tree_addresses(self, call: Call) -> Answer:
        """The addresses of a whole tree."""
        return Answer.xml(
            marshal.dumps(self._service.tree_addresses(*call.partition(), call.identity))
        )

    def product(self, call: Call) -> Answer:
        """The releases of a product, or of the product of a release: a URL stands for itself."""
        product = protocol.optional_field(call.fields, "software_product_reference")
        url = protocol.optional_field(
            call.fields, "software_release_url", limit=protocol.URL_LIMIT
        )
        return Answer.xml(marshal.dumps(self._service.releases_of_product(product, url)))

    def hateoas_url(self, call: Call) -> Answer:
        """Where the HATEOAS interface is, as this caller reaches it."""
        headers = {"Cache-Control": "private, no-store"}  # it may hold the caller's credential
        url = rest_url(call.environ)
        return Answer(url.encode(), TEXT, 200, headers)

    def run_id(self, call: Call) -> Answer:
        """What tells this run of the master from another."""
        del call
        return Answer.text(self._run_id)

    def preparing(self, call: Call) -> Answer:
        """An instance is being prepared: nothing is kept, its start or error is what counts."""
        self._service.instance_in(*call.partition(), call.identity)
        return Answer.text("OK")
