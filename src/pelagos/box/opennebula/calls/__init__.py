"""The methods of the daemon, a module for each group of kinds."""
