"""One module per command or command group, loaded only when its command runs.

Admission rule: classes derived from `pelagos.cli.command.Command` that `pelagos.cli.tree` names.
"""
