"""What can go wrong in a call of OpenNebula. The first seven names are those of pyone.

OneException                          a call did not succeed; code, method, object_id say more
├── OneAuthenticationException        0x0100: the session is wrong, or its token has ended
├── OneAuthorizationException         0x0200: not allowed to this user, or the object is locked
├── OneNoExistsException              0x0400: there is no such object
├── OneActionException                0x0800: not in this state
├── OneApiException                   0x1000: the server does not take such arguments
├── OneInternalException              0x2000: the server failed, or cannot read a template or name
├── OneAllocateException              0x4000: no such object can be made, often: the name is taken
├── OneLockedException                0x8000: the object is locked
├── OneReplicationException           0x10000: the servers of a zone do not agree
├── OneFaultException                 a fault of XML-RPC: missing or wrong arguments, no such call
├── OneCallException                  no such call or argument; nothing was sent; a TypeError, too
│   └── OneUnknownException           … no such name; an AttributeError, too
├── OneValueException                 a value that cannot travel; nothing was sent; a ValueError
├── OneConfigException                no session, no usable address
├── OneAnswerException                an answer that is not as agreed: cut, hostile, too large
├── OneTransportException             no answer came
│   ├── OneUnreachableException       … nobody listens
│   ├── OneTimeoutException           … in time
│   ├── OneBrokenException            … to its end; whether the call was carried out is not known
│   ├── OneTlsException               … over TLS that could be trusted
│   └── OneHttpException              … but a page with an HTTP status
├── OneWaitException                  a state was not reached in time, or cannot be any more
└── OneHelperException                a call that is put together here could not be finished
"""

from __future__ import annotations

from typing import Any

from pelagos.core.errors import PelagosError


class OneException(PelagosError):
    """A call did not succeed.

    Attributes:
        code: the server's number of the failure, 0 when it gave none; negative for faults.
        method: the call, as "one.vm.info", or "".
        object_id: the object that the server complains about, or None.
    """

    def __init__(
        self,
        message: str = "",
        *,
        code: int = 0,
        method: str = "",
        object_id: int | None = None,
        hint: str | None = None,
        retry_after: float | None = None,
    ) -> None:
        super().__init__(message, hint=hint, retry_after=retry_after)
        self.code = code
        self.method = method
        self.object_id = object_id

    def __reduce__(self) -> tuple[Any, ...]:
        return _restored, (type(self), self.args, dict(self.__dict__))


class OneAuthenticationException(OneException):
    """The session is wrong: no such user, another password, or a token that has ended."""


class OneAuthorizationException(OneException):
    """This user may not do that; newer servers say so, too, when the object is locked."""


class OneNoExistsException(OneException):
    """There is no such object, or it is hidden from this user."""


class OneActionException(OneException):
    """The object's state does not allow that, or there is no such action."""


class OneApiException(OneException):
    """The server does not take such arguments."""


class OneInternalException(OneException):
    """The server failed; also what it says to a template or a name that it cannot read."""


class OneAllocateException(OneException):
    """No such object can be made: often the name is in use."""


class OneLockedException(OneException):
    """The object is locked."""


class OneReplicationException(OneException):
    """The servers of a zone could not agree; whether the call was carried out is not known."""


class OneFaultException(OneException):
    """The server refused the call before it looked at it."""


class OneCallException(OneException, TypeError):
    """There is no such call or argument; nothing was sent."""


class OneUnknownException(OneCallException, AttributeError):
    """There is no call or resource of this name; nothing was sent."""


class OneValueException(OneException, ValueError):
    """A value that the protocol cannot carry; nothing was sent."""


class OneConfigException(OneException):
    """No session, or an address that cannot be used."""


class OneAnswerException(OneException):
    """An answer that is not what was agreed."""


class OneTransportException(OneException):
    """No answer came."""


class OneUnreachableException(OneTransportException):
    """Nobody answers at the address."""


class OneTimeoutException(OneTransportException):
    """No whole answer came in time; whether the call was carried out is not known."""


class OneBrokenException(OneTransportException):
    """The answer broke off; whether the call was carried out is not known."""


class OneTlsException(OneTransportException):
    """No connection that could be trusted; nothing was sent."""


class OneHttpException(OneTransportException):
    """Not an answer of OpenNebula but of a web server.

    Attributes:
        status: the HTTP status.
    """

    def __init__(self, message: str = "", *, status: int = 0, **facts: Any) -> None:
        super().__init__(message, **facts)
        self.status = status


class OneWaitException(OneException):
    """What was waited for did not come in time, or cannot come any more."""


class OneHelperException(OneException):
    """A call that is put together on this side could not be finished."""


#: The class of each code of a failure.
BY_CODE: dict[int, type[OneException]] = {
    0x0100: OneAuthenticationException,
    0x0200: OneAuthorizationException,
    0x0400: OneNoExistsException,
    0x0800: OneActionException,
    0x1000: OneApiException,
    0x2000: OneInternalException,
    0x4000: OneAllocateException,
    0x8000: OneLockedException,
    0x10000: OneReplicationException,
}

_HINTS = {
    0x0100: "check the user and the password or token of the session (ONE_AUTH)",
    0x0200: "ask for the right (`one.acl`, chmod), or unlock the object when it is locked",
    0x0400: "look for it in the pool, as a user who may see it",
    0x0800: "look at the object's state first",
    0x4000: "choose another name",
    0x8000: "unlock it first",
}

#: What servers of a zone say while they choose a leader; a little later it is over.
_PASSING = ("no leader", "election", "replicating log", "cannot get leader")


def refusal(message: str, code: int, *, method: str, object_id: int | None = None) -> OneException:
    """The exception for an answer that says no."""
    passing = code in {0x2000, 0x10000} and any(word in message.lower() for word in _PASSING)
    return BY_CODE.get(code, OneException)(
        message,
        code=code,
        method=method,
        object_id=object_id,
        hint="the servers of the zone choose a leader; try again" if passing else _HINTS.get(code),
        retry_after=1.0 if passing else None,
    )


def _restored(
    kind: type[OneException], args: tuple[Any, ...], facts: dict[str, Any]
) -> OneException:
    error = kind(*args)
    error.__dict__.update(facts)
    return error
