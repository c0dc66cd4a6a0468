"""Who may do what in an account of Swift: its project, and whom access lists name."""

from __future__ import annotations

from dataclasses import dataclass

from pelagos.box.errors import Refused
from pelagos.box.identity.identity import Identity
from pelagos.box.identity.tokens import Token
from pelagos.box.objects.store import Container
from pelagos.box.web import Request

RESELLER = "AUTH_"
_OPERATORS = frozenset({"admin", "manager", "member", "swiftoperator"})
_READERS = frozenset({"reader"})
_READING = frozenset({"GET", "HEAD"})


@dataclass(frozen=True, slots=True)
class Access:
    """Who asks, and for what.

    Attributes:
        token: None for somebody without one.
        may_rule: whether the caller may do everything in the account.
    """

    token: Token | None
    account: str
    may_rule: bool
    may_read: bool

    def check(self, request: Request, container: Container | None, *, is_object: bool) -> None:
        """See whether the request is allowed.

        Raises:
            Refused: 401 to nobody, 403 to somebody else.
        """
        reads = request.method in _READING
        if self.may_rule or (reads and self.may_read):
            return
        if container is not None:
            kind = "read" if reads else "write"
            listed = container.policy.get(f"x-container-{kind}", "")
            if is_object or reads:
                words = [word.strip() for word in listed.split(",") if word.strip()]
                if self._is_named(request, words, is_object=is_object):
                    return
        if self.token is None:
            raise Refused(401, "This server could not verify that you are authorized")
        raise Refused(403, "Access was denied to this resource.")

    def _is_named(self, request: Request, words: list[str], *, is_object: bool) -> bool:
        reads = request.method in _READING
        everybody = ".r:*" in words or ".r:-" in words
        if reads and everybody and (is_object or ".rlistings" in words):
            return True
        if self.token is None:
            return False
        project, user = self.token.project_id or "", self.token.user_id
        named = {f"{project}:{user}", f"*:{user}", f"{project}:*", "*:*"}
        return bool(named & set(words)) or bool(self.token.role_names & set(words))


def access(identity: Identity, request: Request, account: str) -> Access:
    """Who asks for something in an account.

    Raises:
        Refused: 401, a token that holds no longer.
    """
    text = request.header("X-Auth-Token") or request.header("X-Storage-Token")
    token = identity.tokens.known(text) if text else None
    if text and token is None:
        raise Refused(401, "This server could not verify that you are authorized")
    is_own = token is not None and account == f"{RESELLER}{token.project_id}"
    roles = token.role_names if token else frozenset()
    return Access(
        token, account, is_own and bool(roles & _OPERATORS), is_own and bool(roles & _READERS)
    )
