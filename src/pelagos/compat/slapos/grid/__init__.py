"""`slapos.grid`: what programs import from the agent: how promises are written."""
