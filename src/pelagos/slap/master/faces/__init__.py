"""What the master shows over HTTP: one face for each manner of speaking.

What is admitted here: modules that read a call's fields, ask one use case, and word its answer.
`call` has what they share; no rule of SLAP and no SQL lives here.
"""
