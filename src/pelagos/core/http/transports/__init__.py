"""Who carries a request: `pooled` over sockets, `fake` in memory, both by `base`'s contract."""
