"""Who may ask what: rights that tokens carry, and the verifiers that say what a token carries.

Admission rule: what turns a token into facts, and facts into a yes or a no. No route, no Flask.
"""
