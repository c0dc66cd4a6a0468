"""Back-end `ldap`: entries of an LDAP server, found by its own filters.

`backend` answers questions, `filters` writes them as LDAP filters (pure), `pool` keeps sessions,
`session` is the only door to the library bonsai, `line` is the only one to the network.
"""
