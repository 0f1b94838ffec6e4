"""The documentation as a site, by Sphinx with MyST: `nox -s docs`. The pages read as well without it."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

project = "xentbench"
copyright = "the authors of xentbench, Apache-2.0"  # noqa: A001 - Sphinx's name
extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon", "tools.handbook"]
source_suffix = {".md": "markdown"}
default_role = "code"  # of docstrings, whose backquotes are code
exclude_patterns = ["_build"]

myst_enable_extensions = ["deflist"]
myst_heading_anchors = 3
suppress_warnings = ["misc.highlighting_failure"]  # console listings hold what programs print

autodoc_member_order = "bysource"
autodoc_typehints = "signature"
autodoc_typehints_format = "short"
napoleon_google_docstring = True

html_theme = "furo"
html_title = "xentbench"
html_theme_options = {"navigation_with_keys": True}
html_show_sourcelink = False
html_copy_source = False
