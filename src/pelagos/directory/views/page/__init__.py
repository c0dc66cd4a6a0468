"""A web page to search the directory, for people with a browser.

Admission rule: what the page consists of. It asks services as every view does, has no resource
from elsewhere, and works without JavaScript.
"""
