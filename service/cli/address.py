"""What the service says about the address it listens on."""

import errno

import click

from service.settings import Settings


def announce(settings: Settings, port: int) -> None:
    """Say on standard output where the wallet answers."""
    host = f"[{settings.host}]" if ":" in settings.host else settings.host
    click.echo(f"Wallet answers on http://{host}:{port}/api/v1 (Ctrl-C stops it)")


def address_sentence(settings: Settings, error: OSError) -> str:
    """Return one sentence for why the address cannot be listened on."""
    if error.errno == errno.EADDRINUSE:
        return f"Port {settings.port} on {settings.host} is in use: set PORT to another one."
    if error.errno == errno.EACCES:
        return f"Port {settings.port} may not be used by this user: set PORT to one above 1023."
    return f"HOST {settings.host} with PORT {settings.port} cannot be listened on: {error.strerror or error}."
