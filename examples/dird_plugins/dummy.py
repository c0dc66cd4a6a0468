"""A plugin of each kind, written for xivo-dird: nothing here knows Pelagos.

The back-end and the view have no base class, which is allowed. A result is a dict; what a display
shows of it is made by the `format_columns` of the source.
"""

import logging
import random
import string

from flask_restful import Resource
from xivo_dird import BaseService, BaseServicePlugin

log = logging.getLogger(__name__)

COLUMNS = ("Firstname", "Lastname", "Number")


def random_word():
    """Five small letters."""
    return "".join(random.choice(string.ascii_lowercase) for _ in range(5))


def random_entries(number):
    """So many results, each with all columns."""
    return [{column: random_word() for column in COLUMNS} for _ in range(number)]


class DummyBackendPlugin:
    """A source that answers each question with some random people."""

    def name(self):
        """The name of the source, unless the configuration gives one."""
        return "my_local_dummy"

    def load(self, args):
        """Called once, with the configuration of the source under `config`."""
        log.info("dummy back-end %s loaded", args["config"]["name"])

    def unload(self):
        """Called at the end."""
        log.info("dummy back-end unloaded")

    def search(self, term, args):
        """From one to twenty results."""
        log.info("%s is looked for by %s", term, args["token_infos"].get("auth_id"))
        return random_entries(random.randint(1, 20))

    def list(self, unique_ids):
        """As many results as were asked for."""
        return random_entries(len(unique_ids))


class DummyServicePlugin(BaseServicePlugin):
    """Makes the service and ends it."""

    def load(self, args):
        """The service, which views get as `args["services"]["my_service"]`."""
        log.info("dummy service loaded beside %d sources", len(args["sources"]))
        return DummyService()

    def unload(self):
        """Called at the end, after the views."""
        log.info("dummy service unloaded")


class DummyService(BaseService):
    """A service that finds nothing, ever."""

    def __call__(self):
        """Nothing."""
        return []


class PingViewPlugin:
    """Adds one route: `GET /0.1/directories/ping`."""

    name = "ping"

    def load(self, args):
        """Called with the services and the REST interface."""
        args["rest_api"].add_resource(PingView, "/0.1/directories/ping")

    def unload(self):
        """Called at the end, first of all."""
        log.info("dummy view unloaded")


class PingView(Resource):
    """Open to everybody, as it does not derive from a base that asks for a token."""

    def get(self):
        """The answer."""
        return {"message": "pong"}
