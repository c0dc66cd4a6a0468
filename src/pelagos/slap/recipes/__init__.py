"""Recipes of zc.buildout for software releases: `recipe = pelagos:template` and its siblings.

They run inside a buildout, not inside the agent: everything that costs time to import is imported
where it is used, and nothing of the agent is known here. docs/reference/recipes.md is the manual;
each option is checked, and an unknown one is an error that names the nearest right one.
"""

from __future__ import annotations

from pelagos.slap.recipes.base import RecipeError
from pelagos.slap.recipes.connection import Parameters, Publish
from pelagos.slap.recipes.port import FreePort
from pelagos.slap.recipes.promise import Promise
from pelagos.slap.recipes.service import Service
from pelagos.slap.recipes.template import Template

__all__ = [
    "FreePort",
    "Parameters",
    "Promise",
    "Publish",
    "RecipeError",
    "Service",
    "Template",
]
