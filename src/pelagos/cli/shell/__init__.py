"""The interactive shell: the lines of one session, run by the same tree and parser.

Admission rule: what concerns a session of many lines. What one line does is `cli.main`'s.

    words       text of a line to words and back
    step        what a line means, at a place in the tree (pure)
    discretion  what of a line may be kept
    history     the lines of former sessions
    reader      where lines come from: a terminal or a pipe
    completion  what TAB offers
    session     reads, runs and goes on
"""
