"""Volumes: one store of them, asked as Cinder v3 and as Cyclades."""
