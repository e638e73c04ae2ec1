"""How troubles that are expected end a command: one sentence, and an exit code."""

import json
from typing import Any, Final

import click
import psycopg

from service import migrations
from service.cli.failure import Failure, SettingFailure
from service.embedded.binaries import EmbeddedDatabaseError
from service.settings import SettingsError

_VALIDATION_FAILED: Final = "WL001"


class SentenceGroup(click.Group):
    """A group whose commands end expected troubles with one sentence."""

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command that was asked for.

        Raises:
            Failure: an expected trouble.
        """
        try:
            return super().invoke(ctx)
        except SettingsError as error:
            raise SettingFailure(str(error)) from error
        except (EmbeddedDatabaseError, migrations.MigrationError) as error:
            raise Failure(str(error)) from error
        except psycopg.Error as error:
            raise Failure(database_sentence(error)) from error


def database_sentence(error: psycopg.Error) -> str:
    """Return one sentence for what the database, or the way to it, refused."""
    lines = str(error.diag.message_primary or error).strip().splitlines()
    reason = next((line.strip() for line in lines if line.strip()), type(error).__name__).rstrip(".")
    notes = "".join(f" {note}" for note in getattr(error, "__notes__", ()))
    if isinstance(error, psycopg.OperationalError) and error.sqlstate is None:
        return f"The database cannot be reached: {reason}{notes}."
    code = f" ({error.sqlstate})" if error.sqlstate else ""
    if error.sqlstate == _VALIDATION_FAILED and error.diag.message_detail:
        details = json.loads(error.diag.message_detail)
        reason = "; ".join(f"{field}: {' '.join(sentences)}".rstrip(".") for field, sentences in details.items())
    return f"The database refused{notes}: {reason}{code}."
