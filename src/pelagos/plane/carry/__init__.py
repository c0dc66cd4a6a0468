"""What configurations of other programs become here: kamaki's, clouds.yaml, ONE_AUTH, slapos.cfg.

Admission rule: reads one file of another program and says what it means here (`Carried`); only
`keep` writes. xivo-dird's is read by `pelagos.directory.migration`.

    carried = from_slapos(Path("/etc/opt/slapos/slapos.cfg"))
    carried.values     # our settings, by their keys
    carried.remarks    # what could not be carried over, and what to do about it
    keep(carried, config_file())
"""

from pelagos.plane.carry.base import Carried, Cloud, as_table, keep
from pelagos.plane.carry.clouds import from_clouds_yaml, from_kamaki
from pelagos.plane.carry.opennebula import from_one
from pelagos.plane.carry.slapos import from_slapos

__all__ = [
    "Carried",
    "Cloud",
    "as_table",
    "from_clouds_yaml",
    "from_kamaki",
    "from_one",
    "from_slapos",
    "keep",
]
