"""The settings of the service: read from the environment and a `.env` file, and checked once."""

import ipaddress
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import dotenv
import platformdirs
import psycopg
from psycopg.conninfo import conninfo_to_dict

from service import resources

LOG_LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL")

API_KEYS = ("required", "off")

WEBHOOKS = ("on", "off")
WEBHOOK_TARGETS = ("public", "any")

WORKERS_MAX = 100
LANES_MAX = 16


class SettingsError(ValueError):
    """A setting is wrong. The message is one sentence that names the variable."""


@dataclass(frozen=True, kw_only=True)
class Settings:
    """Everything that can be set from outside. Sizes are counts, not bytes."""

    database_url: str | None = field(default=None, repr=False)
    """Where PostgreSQL is; None: the embedded server. Not shown by `repr`: it may hold a password."""
    host: str = "127.0.0.1"
    """The address the HTTP server listens on."""
    api_keys: str | None = None
    """One of `API_KEYS`; None: as the address wants it (`keys_required`)."""
    port: int = 3000
    """The port the HTTP server listens on; 0 lets the operating system choose one."""
    data_dir: Path
    """The folder of the embedded server."""
    pg_bin: Path | None = None
    """The folder with `initdb`, `postgres` and `psql`; None means: look for it."""
    log_level: str = "INFO"
    """One of `LOG_LEVELS`."""
    http_connections: int = 1_000
    """Connections to the HTTP server that may be open at once, in each process."""
    pool_size: int = 8
    """Connections for reading."""
    queue_size: int = 10_000
    """Postings that may wait at once."""
    batch_size: int = 500
    """Postings sent to the database in one call, at most."""
    lanes: int = 1
    """Batches of postings that may be in the database at once. More than one pays when assets are kept in stripes."""
    workers: int = 1
    """Processes that serve on the port. Pool, queue and batches are each one's own."""
    webhooks: str = "on"
    """One of `WEBHOOKS`: whether those processes deliver events to webhooks too."""
    webhook_targets: str = "public"
    """One of `WEBHOOK_TARGETS`: whether webhooks may lead to public addresses only, or to any."""

    @property
    def keys_required(self) -> bool:
        """Whether a request without an API key is refused: as it was set, else everywhere but on a loopback address."""
        return not _is_loopback(self.host) if self.api_keys is None else self.api_keys == "required"

    @property
    def log_level_number(self) -> int:
        """The log level as the number the `logging` module uses."""
        return logging.getLevelNamesMapping()[self.log_level]


def load_settings(environ: Mapping[str, str], dotenv_path: Path | None = None) -> Settings:
    """Read the settings from `environ` and, for what is not set there, from the file `dotenv_path`.

    An empty value counts as not set. A missing file is no error.

    Raises:
        SettingsError: a value is wrong, or the file cannot be read.
    """
    values = {**_read_dotenv(dotenv_path), **environ}
    return Settings(
        database_url=_database_url(values),
        host=_host(values),
        api_keys=_one_of(values, "API_KEYS", API_KEYS),
        port=_whole_number(values, "PORT", default=3000, lowest=0, highest=65_535),
        data_dir=_path(values, "WALLET_DATA_DIR") or _default_data_dir(),
        pg_bin=_path(values, "WALLET_PG_BIN"),
        log_level=_log_level(values),
        http_connections=_whole_number(values, "HTTP_CONNECTIONS", default=1_000, lowest=1, highest=100_000),
        pool_size=_whole_number(values, "POOL_SIZE", default=8, lowest=1, highest=1_000),
        queue_size=_whole_number(values, "QUEUE_SIZE", default=10_000, lowest=1, highest=1_000_000),
        batch_size=_whole_number(values, "BATCH_SIZE", default=500, lowest=1, highest=1_000),
        lanes=_whole_number(values, "LANES", default=1, lowest=1, highest=LANES_MAX),
        workers=_whole_number(values, "WORKERS", default=1, lowest=1, highest=WORKERS_MAX),
        webhooks=_one_of(values, "WEBHOOKS", WEBHOOKS) or "on",
        webhook_targets=_one_of(values, "WEBHOOK_TARGETS", WEBHOOK_TARGETS) or "public",
    )


def _read_dotenv(path: Path | None) -> dict[str, str]:
    if path is None or not path.exists():
        return {}
    try:
        # No interpolation: a password may hold a dollar sign.
        values = dotenv.dotenv_values(path, interpolate=False)
    except (OSError, UnicodeError) as error:
        raise SettingsError(f"The file {path} cannot be read: {error}.") from error
    return {name: value for name, value in values.items() if value is not None}


def _default_data_dir() -> Path:
    root = resources.checkout_folder()
    return root / ".wallet-data" if root else platformdirs.user_data_path("pg-wallet", appauthor=False)


def _database_url(values: Mapping[str, str]) -> str | None:
    text = values.get("DATABASE_URL", "").strip()
    if not text:
        return None
    try:
        conninfo_to_dict(text)
    except psycopg.ProgrammingError as error:
        # libpq's own sentence may quote the whole text, so it is not repeated: the password would be shown.
        raise SettingsError(
            "DATABASE_URL must be a PostgreSQL URL such as postgresql://user:password@host:5432/database."
        ) from error
    if _is_cut_in_password(text):
        raise SettingsError(
            "DATABASE_URL must be a URL without a bare @ or / in the password:"
            " percent-encode the password (@ is %40, / is %2F)."
        )
    return text


def _is_cut_in_password(text: str) -> bool:
    """Whether libpq would take a part of the password for the host, the port or the database.

    It ends the password at the first @, and looks for none after a /.
    """
    scheme, separator, rest = text.partition("://")
    if scheme not in {"postgresql", "postgres"} or not separator:
        return False
    first = min((place for place in (rest.find("@"), rest.find("/")) if place >= 0), default=len(rest))
    after = rest[first + 1 :]
    return "@" in after.partition("?")[0]


def _host(values: Mapping[str, str]) -> str:
    text = values.get("HOST", "").strip() or "127.0.0.1"
    if any(character.isspace() or character == "/" for character in text):
        raise SettingsError(f"HOST must be a host name or an IP address, not {text!r}.")
    return text


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        # Another name may lead anywhere, and elsewhere tomorrow.
        return host.lower() == "localhost"


def _one_of(values: Mapping[str, str], name: str, words: Sequence[str]) -> str | None:
    text = values.get(name, "").strip()
    if text and text not in words:
        raise SettingsError(f"{name} must be {' or '.join(words)}, not {text!r}.")
    return text or None


def _log_level(values: Mapping[str, str]) -> str:
    text = values.get("LOG_LEVEL", "").strip() or "INFO"
    if text.upper() not in LOG_LEVELS:
        raise SettingsError(f"LOG_LEVEL must be one of {', '.join(LOG_LEVELS)}, not {text!r}.")
    return text.upper()


def _path(values: Mapping[str, str], name: str) -> Path | None:
    text = values.get(name, "").strip()
    if not text:
        return None
    if "\0" in text:
        raise SettingsError(f"{name} must be a path without NUL characters.")
    try:
        return Path(text).expanduser().absolute()
    except RuntimeError as error:
        raise SettingsError(f"{name} names the home folder of an unknown user: {text!r}.") from error


def _whole_number(values: Mapping[str, str], name: str, *, default: int, lowest: int, highest: int) -> int:
    text = values.get(name, "").strip()
    if not text:
        return default
    # int() would also take "1_000", "+5" and digits of other scripts.
    if not (text.isascii() and text.isdigit() and len(text) <= 10 and lowest <= int(text) <= highest):
        raise SettingsError(f"{name} must be a whole number from {lowest} to {highest}, not {text!r}.")
    return int(text)
