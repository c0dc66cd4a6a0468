"""XML-RPC as OpenNebula speaks it. Knows bytes and values, no network and no types of results."""
