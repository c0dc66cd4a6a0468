"""Images: one store of them, asked as Glance v2 and as Plankton."""
