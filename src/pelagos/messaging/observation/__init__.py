"""What passes over a bus, made visible: metrics, traces, a tap and a check-up.

Admission rule: what watches; without it, every message goes the same way.
"""
