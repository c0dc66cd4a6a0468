"""What keeps processes running. `base` is the contract of the siblings."""
