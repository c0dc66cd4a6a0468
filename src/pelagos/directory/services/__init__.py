"""Services: what can be asked of all sources of a profile, each on `base.BaseServicePlugin`.

Admission rule: knows sources and values, never HTTP.
"""
