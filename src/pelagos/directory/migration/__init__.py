"""What a configuration of the ancestor, xivo-dird, becomes here.

Admission rule: reads files of the ancestor and says what they mean here; starts no directory.

    tree = read_tree(Path("/etc/xivo-dird"))
    carried = carry_over(tree)
    carried.settings   # the table [directory.settings]
    carried.remarks    # what could not be carried over, and what to do about it
"""

from pelagos.directory.migration.carry import Carried, carry_over
from pelagos.directory.migration.remark import Remark
from pelagos.directory.migration.tree import Tree, TreeError, read_tree

__all__ = ["Carried", "Remark", "Tree", "TreeError", "carry_over", "read_tree"]
