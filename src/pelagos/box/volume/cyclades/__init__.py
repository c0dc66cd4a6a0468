"""Volumes asked as Cyclades, of Synnefo."""
