"""`wallet import`: postings from the shell."""

import contextlib
from pathlib import Path
from typing import BinaryIO

import click
from rich.console import Console

from service.cli.context import open_wallet, with_settings
from service.settings import Settings


@click.command("import", epilog="Example: wallet import --errors refused.ndjson postings.ndjson")
@click.argument("file", type=click.File("rb"))
@click.option(
    "--errors",
    "errors_path",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE",
    help="Write the refused lines to this file: line number, code and error, as JSON, one a line.",
)
@with_settings
def import_postings(settings: Settings, file: BinaryIO, errors_path: Path | None) -> None:
    """Post the lines of FILE; - is standard input.

    Each line is a JSON object with type (TOP_UP, BONUS or SPEND), idempotencyKey, accountId, assetTypeId, amount and,
    if wanted, referenceId, description and metadata. BATCH_SIZE lines at a time are posted straight to the database;
    the service may run meanwhile. Importing a file again posts nothing twice. Exit code 1 when a line was refused.
    """
    # Imported here, like the HTTP server: the other commands start faster without it.
    from service.cli.importing import import_file, open_errors

    with contextlib.ExitStack() as stack:
        url = stack.enter_context(open_wallet(settings))
        # Last, for it forgets the refusals of an earlier import.
        errors = None if errors_path is None else stack.enter_context(open_errors(errors_path, file))
        counts = import_file(url, file, settings.batch_size, errors, Console(stderr=True))
    click.echo(f"The file is imported: {counts}.")
    if counts.refused:
        raise SystemExit(1)
