"""How Sphinx makes the manual: `make docs` builds it into build/docs."""

from __future__ import annotations

from importlib.metadata import version as version_of

project = "Pelagos"
author = "the authors of Pelagos"
copyright = author + "; Apache-2.0"  # noqa: A001 - the name that Sphinx reads
release = version = version_of("pelagos")

extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon"]
exclude_patterns = ["README.md"]  # index.md shows it
source_suffix = {".md": "markdown"}
suppress_warnings = ["ref.python"]  # a type of one name in two places: either will do

myst_heading_anchors = 4

autodoc_member_order = "bysource"
autodoc_class_signature = "separated"
napoleon_use_ivar = True

html_theme = "furo"
html_title = f"Pelagos {release}"
html_copy_source = False
html_show_sourcelink = False
