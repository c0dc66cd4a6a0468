"""`pyone.acl`: access rules from words."""

from __future__ import annotations

from pelagos.one import acl

__all__ = ["OneAcl"]


class OneAcl:
    """Writes the hexadecimal arguments of `one.acl.addrule`."""

    def calculate_ids(self, id_str: str) -> int:
        """Of whom or what: `#7`, `@100`, `%2` or `*`, as the number in an argument."""
        return acl.encode_subject(id_str)

    def parse_users(self, users: str) -> str:
        """Whom: `#7`, `@100` or `*`."""
        return acl.encode_users(users)

    def parse_resources(self, resources: str) -> str:
        """What: `VM+IMAGE/#7` or `VM/*`."""
        return acl.encode_resources(resources)

    def parse_rights(self, rights: str) -> str:
        """Which rights: `USE+MANAGE`."""
        return acl.encode_rights(rights)

    def parse_zone(self, zone: str) -> str:
        """In which zone: `#0` or `*`."""
        return acl.encode_zone(zone)

    def parse_rule(self, rule_str: str) -> tuple[str, ...]:
        """The arguments of `addrule`.

        Raises:
            OneValueException: a part is not as it should be.
        """
        return acl.encode_rule(rule_str)
