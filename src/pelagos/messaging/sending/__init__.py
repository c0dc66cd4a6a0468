"""Brings messages to the broker, and does not let go before the broker has them.

Admission rule: what whoever sends needs, be it a message, a call or an answer; not what is sent.
"""
