"""Brings messages to the broker, and does not let go before the broker has them."""
