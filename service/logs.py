"""The log: lines of JSON for machines, lines of text at a terminal."""

import logging
import sys
from typing import Final

from pythonjsonlogger.msgspec import MsgspecFormatter

_TEXT: Final = "%(asctime)s %(levelname)s %(name)s [%(process)d] %(message)s"
_FIELDS: Final = ("levelname", "name", "process", "message")
_NAMES: Final = {"levelname": "level", "name": "logger", "exc_info": "exception"}


def configure_logs(level: int) -> None:
    """Sends what is logged to standard error: as text when that is a terminal, else as JSON, an object a line.

    Args:
        level: the lowest level that is logged, as the `logging` module counts.
    """
    formatter: logging.Formatter
    if sys.stderr.isatty():
        formatter = logging.Formatter(_TEXT)
    else:
        formatter = MsgspecFormatter(_FIELDS, timestamp="time", rename_fields=_NAMES)
    handler = logging.StreamHandler()
    handler.setFormatter(formatter)
    logging.basicConfig(level=level, handlers=[handler])
