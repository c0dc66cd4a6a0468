"""What the commands on a cloud share: which cloud and which thing is meant, and how it is told."""
