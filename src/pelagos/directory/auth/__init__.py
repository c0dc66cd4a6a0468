"""Who may ask what: rights that tokens carry, and the verifiers that say what a token carries.

Admission rule: what turns a token into facts, and facts into a yes or a no. No route, no Flask.

A verifier is a callable: the infos of a token, or None when nobody (any more) owns it; whatever
`PelagosError` it raises means that it cannot tell now. Infos have `token`, `auth_id`,
`xivo_user_uuid` (None: the token is nobody's in particular), `acls` (patterns of `acl`; without
the key everything is allowed), `expires_in` (seconds) and `metadata` as far as they are known.
A verifier may have a method `reaches(token, access, tenant)`, too, for what infos do not tell.
"""

from collections.abc import Callable, Mapping
from typing import Any

#: See above.
Verify = Callable[[str], Mapping[str, Any] | None]
