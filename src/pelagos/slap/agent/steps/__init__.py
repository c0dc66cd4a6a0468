"""What can be done to one release or partition, each kind of work in a class of its own.

What is admitted here: steps that `plan` can decide on. They say how it went in an `Outcome`, or
raise; what that becomes is told in `apply`.
"""
