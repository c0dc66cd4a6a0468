"""The door for people: the `pelagos` command line.

Admission rule: what reads argv, prints, or words an answer for a person. Only this room does
that; what a command *does* is a call into `plane` or one of the parts.
"""
