"""Secrets that a person types: never on the command line, never shown."""

from __future__ import annotations

from pelagos.cli.context import Context
from pelagos.cli.failures import UsageError
from pelagos.cli.terminal import is_terminal


def ask_secret(context: Context, prompt: str) -> str:
    """A secret: typed blindly at a terminal, else the first line of standard input.

    Raises:
        UsageError: nothing was given.
    """
    if is_terminal(context.stdin):
        import getpass

        context.stderr.flush()  # the terminal is the question's from here on
        secret = getpass.getpass(prompt, context.stderr)
    else:
        secret = context.stdin.readline().rstrip("\r\n")
    if not secret:
        raise UsageError("no secret was given", hint="type it, or send it to standard input")
    return secret
