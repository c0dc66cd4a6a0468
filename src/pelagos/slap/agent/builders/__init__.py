"""What turns a release's URL into usable files. `base` is the contract of the siblings."""
