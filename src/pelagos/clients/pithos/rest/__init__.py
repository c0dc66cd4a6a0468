"""Each call of Pithos as a method: one request, all that it can carry, and its answer."""

from pelagos.clients.pithos.rest.client import PithosRestClient

__all__ = ["PithosRestClient"]
