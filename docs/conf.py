"""How the pages of this folder become a site: `make docs`.

The pages are plain Markdown that reads well without a site. Two of them are only begun there; the rest is read from
the catalogue of a database when the site is built (catalogue.py).
"""

import sys
import tomllib
from pathlib import Path

from sphinx.application import Sphinx
from sphinx.util.typing import ExtensionMetadata

_DOCS = Path(__file__).resolve().parent
sys.path.insert(0, str(_DOCS))
sys.path.insert(0, str(_DOCS.parent))

import catalogue  # noqa: E402  # the folder is on the path now

project = "pg-wallet"
release = tomllib.loads((_DOCS.parent / "pyproject.toml").read_text(encoding="utf-8"))["project"]["version"]
version = release
project_copyright = ""

extensions = ["myst_parser"]
root_doc = "index"
smartquotes = False
exclude_patterns: list[str] = []
nitpicky = True

# Anchors of headings, down to the deepest, as Markdown viewers make them.
myst_heading_anchors = 6

# An answer with … in it is no valid JSON, and need not be.
suppress_warnings = ["misc.highlighting_failure"]

html_theme = "furo"
html_title = f"{project} {release}"
html_show_copyright = False
html_show_sourcelink = False
html_copy_source = False
html_use_index = False
html_theme_options = {
    "light_css_variables": {"font-stack": "system-ui, sans-serif", "font-stack--monospace": "ui-monospace, monospace"},
}

_GENERATED = {"sql-functions": catalogue.functions_page, "sql-errors": catalogue.refusals_page}


def setup(app: Sphinx) -> ExtensionMetadata:
    """Let the two pages be finished from a database."""
    app.connect("builder-inited", _read_catalogue)
    app.connect("source-read", _finish_page)
    return {"parallel_read_safe": True}


_parts: dict[str, str] = {}


def _read_catalogue(_: Sphinx) -> None:
    with catalogue.migrated_database() as connection:
        _parts.update({page: write(connection) for page, write in _GENERATED.items()})


def _finish_page(_: Sphinx, page: str, content: list[str]) -> None:
    content[0] += _parts.get(page, "")
