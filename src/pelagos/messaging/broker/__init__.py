"""A broker of our own. Admission rule: what a broker knows and does, apart from who talks to it."""
