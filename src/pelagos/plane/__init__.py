"""Assembles programs from the parts: the only room that knows more than one of them.

`up` runs a whole plane (or some of its parts) in the foreground, `down` ends it, `why` and
`doctor` explain it. `data_folder` is what a plane keeps on disk, and how a command finds it.

Admission rule: a module comes here when it needs two parts at once.
"""
