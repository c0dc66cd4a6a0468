"""One module per command or command group, loaded only when its command runs.

Admission rule: classes derived from `pelagos.cli.Command` with the decorator `@command(tree)`;
`tools/write_commands.py` makes the index of them.
"""
