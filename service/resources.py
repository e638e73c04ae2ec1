"""Where the SQL files are: beside the package in a checkout, inside it in an installed wheel."""

from pathlib import Path

PACKAGE_FOLDER = Path(__file__).resolve().parent
_WHEEL_RESOURCES = PACKAGE_FOLDER / "_resources"


def checkout_folder() -> Path | None:
    """Return the root of the checkout this package runs from, or None when it was installed from a wheel."""
    root = PACKAGE_FOLDER.parent
    return root if (root / "db" / "migrations").is_dir() and (root / "pyproject.toml").is_file() else None


def migrations_folder() -> Path:
    """Return the folder of the versioned migrations and of the post-apply hook."""
    return _resources_folder() / "db" / "migrations"


def functions_folder() -> Path:
    """Return the folder that holds one SQL file per routine."""
    return _resources_folder() / "db" / "functions"


def seed_file() -> Path:
    """Return the SQL file with the demo data."""
    return _resources_folder() / "seed.sql"


def _resources_folder() -> Path:
    return checkout_folder() or _WHEEL_RESOURCES
