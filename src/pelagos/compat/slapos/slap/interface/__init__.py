"""`slapos.slap.interface`: its one module is `slap`."""
