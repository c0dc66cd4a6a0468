"""The same with openstacksdk's typed servers."""

import sys

import openstack

url, token, auth_url = sys.argv[1:4]
cloud = openstack.connect(
    load_yaml_config=False, load_envvars=False, auth_type="v3token", auth_url=auth_url,
    token=token, compute_endpoint_override=url, region_name="",
)  # fmt: skip
servers = list(cloud.compute.servers())
print(len(servers), sum(len(s.id) + len(s.name) + len(s.status) for s in servers))
