"""The same with urllib3 and json alone, next pages followed."""

import json
import sys
from urllib.parse import urlsplit

import urllib3

url, token = sys.argv[1:3]
pool = urllib3.PoolManager()
servers = []
query = ""
while query is not None:
    answer = pool.request("GET", f"{url}/servers/detail?{query}", headers={"X-Auth-Token": token})
    page = json.loads(answer.data)
    servers += page["servers"]
    links = page.get("servers_links", [])
    query = next((urlsplit(one["href"]).query for one in links if one["rel"] == "next"), None)
print(len(servers), sum(len(s["id"]) + len(s["name"]) + len(s["status"]) for s in servers))
