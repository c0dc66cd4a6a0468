"""Back-ends of the directory that ask other parts of Pelagos.

Admission rule: one module per kind of thing that can be found; what it asks comes in
`args["context"]`.
"""
