"""How one logs in at a cloud, and what that gives: a token and the catalogue.

Here stands what is said at Keystone and at Astakos, and what is said of a cloud so that it can be
asked; not where that is written, nor the clients that the catalogue leads to.
"""
