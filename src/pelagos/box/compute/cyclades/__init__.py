"""Servers asked as Cyclades, of Synnefo."""
