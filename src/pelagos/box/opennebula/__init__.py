"""OpenNebula in a box: its XML-RPC at /RPC2, as its clients know it."""
