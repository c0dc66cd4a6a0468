"""Pelagos: ask for running services on the clouds and computers that you already have."""

__version__ = "0.1.0"
