"""Phones: the directory as XML documents that desk phones and DECT bases show.

Admission rule: what turns a lookup into a phone's document, and the two faces that serve them:
views behind a token (`view`), and a door for the phones themselves (`door`). `vendors` are data;
`entries`, `labels`, `markup`, `parameters` and `display` are pure.
"""
