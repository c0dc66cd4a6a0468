"""What the commands on an OpenNebula share: where it is, what is meant, and how it is told."""
