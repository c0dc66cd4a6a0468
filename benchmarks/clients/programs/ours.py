"""List all servers with pelagos.clients: ours.py COMPUTE_URL TOKEN AUTH_URL."""

import sys

from pelagos.clients import ComputeClient

servers = ComputeClient(sys.argv[1], sys.argv[2]).list_servers(detail=True)
print(len(servers), sum(len(s["id"]) + len(s["name"]) + len(s["status"]) for s in servers))
