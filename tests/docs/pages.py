"""The pages of the documentation."""

from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
DOCS = ROOT / "docs"
EXAMPLES = ROOT / "examples"

PAGES = [ROOT / "README.md", ROOT / "CHANGELOG.md", *sorted(DOCS.rglob("*.md")), *sorted(EXAMPLES.glob("*.md"))]


def text_of(path: str) -> str:
    """Return the text of a page, by its path in the checkout."""
    return (ROOT / path).read_text(encoding="utf-8")
