"""Networks: one store of them, asked as Neutron and as Cyclades."""
