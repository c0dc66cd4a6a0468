"""Back-ends that ask a telephone system (XiVO, Wazo) over its REST interface.

`users` and `conferences` are the back-ends, on what they share in `backend`; `server` asks the
telephone system as somebody who may (`credentials`); `settings` are the keys.
"""
