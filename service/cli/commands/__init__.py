"""The commands and their options. Standard output is for results; the rest goes to standard error.

Each room has a module of its own; a new command is named in `_COMMANDS`.

Exit codes: 0 done, 1 failed or a check failed, 2 wrong usage or a wrong setting.
"""

from typing import Final

import click

from service.cli.commands import checking, completion, database, keys, migrating, posting, reading, serving
from service.cli.group import SentenceGroup

_COMMANDS: Final[tuple[click.Command, ...]] = (
    serving.serve,
    serving.deliver,
    serving.migrate,
    serving.seed,
    reading.accounts,
    reading.print_statement,
    posting.post,
    posting.import_postings,
    reading.export_tables,
    migrating.migrate_from,
    checking.doctor,
    checking.seal,
    checking.verify,
    keys.keys,
    database.psql,
    database.url,
    completion.completion,
)


@click.group(cls=SentenceGroup, epilog="Example: wallet serve")
@click.version_option(package_name="pg-wallet", prog_name="wallet")
def wallet() -> None:
    """Run an open internal wallet: a double-entry ledger in PostgreSQL, served over HTTP.

    Settings come from the environment and a .env file in the working directory; .env.example lists them.
    Without DATABASE_URL a PostgreSQL of the wallet's own is started in WALLET_DATA_DIR.
    """


def main() -> None:
    """Run the command line and exit."""
    wallet(prog_name="wallet")


for _command in _COMMANDS:
    wallet.add_command(_command)
