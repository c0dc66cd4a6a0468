"""Who may do what in a box: users, projects, roles, tokens; as Keystone v3 and as Astakos."""
