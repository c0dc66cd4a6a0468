"""Measures Pelagos beside named peers: `python -m benchmarks` runs all, or those that are named.

Each module here has `main(argv)` and says in its docstring what it measures and how. Rounds of the
sides are interleaved, so that what else the machine does falls on both; figures are medians.
"""
