"""Machines on demand: a request that finds no computer gets one from a cloud.

`base` is the contract of a driver, its siblings `openstack`, `synnefo` and `fake` keep it, and
`tests/contract/test_capacity.py` tries them. The rest decides when a machine is made or removed,
and remembers it so that none is forgotten or made twice.

Admission rule: what concerns a machine that the plane makes, and not what runs on it.
"""
