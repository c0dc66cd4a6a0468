"""What programs import from the ancestor's command line."""
