"""Servers: one store of them, asked as Nova and as Cyclades."""
