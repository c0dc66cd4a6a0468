"""What every room may use and what knows no room: errors, clock, wire, http, web, logs, fan-out.

Admission rule: a module comes here when two rooms need it, it names no noun of theirs, and it is
the only door to the library that it wraps.
"""
