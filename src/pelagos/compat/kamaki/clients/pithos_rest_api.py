"""Pithos, call by call, under the name of the first versions."""

from pelagos.compat.kamaki.clients.pithos.rest_api import PithosRestClient as PithosRestAPI

__all__ = ["PithosRestAPI"]
