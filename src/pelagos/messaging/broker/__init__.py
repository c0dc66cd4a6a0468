"""A broker of our own.

Admission rule: what a broker knows and does, and how programs reach it.
"""
