"""Makes Neutron's tables from its models: neutron_tables.py ADDRESS.

Its migrations alter constraints, which SQLite cannot. They also enter the rules that every new
security group begins with.
"""

from __future__ import annotations

import importlib
import sys
import uuid
from typing import Any

importlib.import_module("neutron.db.migration.models.head")  # which knows all models
model_base: Any = importlib.import_module("neutron_lib.db.model_base")
sqlalchemy: Any = importlib.import_module("sqlalchemy")
KIND = "securitygroupdefaultrules"


def main(address: str) -> None:
    """Into an empty database."""
    known = model_base.BASEV2.metadata
    with sqlalchemy.create_engine(address).begin() as connection:
        known.create_all(connection)
        for direction, family in (
            (direction, family)
            for direction in ("egress", "ingress")
            for family in ("IPv4", "IPv6")
        ):
            common = {"resource_type": KIND, "revision_number": 0, "description": ""}
            made = connection.execute(known.tables["standardattributes"].insert().values(common))
            rule = {
                "id": str(uuid.uuid4()),
                "standard_attr_id": made.inserted_primary_key[0],
                "direction": direction,
                "ethertype": family,
                "remote_group_id": "PARENT" if direction == "ingress" else None,
                "used_in_default_sg": True,
                "used_in_non_default_sg": direction == "egress",
            }
            connection.execute(known.tables[KIND].insert().values(rule))


main(sys.argv[1])
