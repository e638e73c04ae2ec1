"""The commands there are, those of groups among them."""

from collections.abc import Iterator

import click

from service.cli.commands import wallet


def every_command() -> dict[str, click.Command]:
    """Give all commands by what is typed for them: `serve`, `keys`, `keys create`; the groups too."""
    return dict(_below(wallet, ""))


def _below(group: click.Group, prefix: str) -> Iterator[tuple[str, click.Command]]:
    for name, command in sorted(group.commands.items()):
        yield prefix + name, command
        if isinstance(command, click.Group):
            yield from _below(command, f"{prefix}{name} ")


def parse(words: list[str]) -> str:
    """Parse a command line, without the program's name, and run nothing; give the command's name.

    Raises:
        click.UsageError: it is wrong.
    """
    group: click.Group = wallet
    path = ""
    for position, name in enumerate(words):
        command = group.commands[name]
        path = f"{path} {name}".strip()
        if not isinstance(command, click.Group):
            command.make_context(name, words[position + 1 :]).close()
            return path
        group = command
    return path
