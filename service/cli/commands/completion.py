"""`wallet completion`: the shell completes commands and options."""

import click
from click.shell_completion import get_completion_class

from service.cli.failure import Failure


@click.command(epilog="Example: wallet completion bash")
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]), metavar="SHELL")
@click.pass_context
def completion(ctx: click.Context, shell: str) -> None:
    """Print the script by which SHELL (bash, zsh or fish) completes `wallet`, for its start-up file.

    In ~/.bashrc: eval "$(wallet completion bash)", in ~/.zshrc the same with zsh; for fish, put what it prints into
    ~/.config/fish/completions/wallet.fish.
    """
    complete = get_completion_class(shell)
    if complete is None:
        raise Failure(f"There is no completion for {shell}.")
    click.echo(complete(ctx.find_root().command, {}, "wallet", "_WALLET_COMPLETE").source())
