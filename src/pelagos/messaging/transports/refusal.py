"""What a broker of AMQP says no with, in our words."""

from __future__ import annotations

from typing import Final

from pelagos.messaging.errors import ConnectionLostError, LoginError, MessagingError, TopologyError

#: The codes with which a broker says no to a request, and not that something else went wrong.
_REFUSALS: Final = {
    402: None,
    403: "ask the broker's administrator for the permission",
    404: None,
    405: "another connection owns it exclusively; it may be a lost one that will time out",
    406: "use the same attributes on all sides, or delete it first",
    503: None,
    530: None,
    540: None,
}


def refusal(code: int, text: str, url: str, name: str) -> MessagingError:
    """A request's failure: refused by the broker, or lost with the connection."""
    if code not in _REFUSALS:
        return ConnectionLostError(f"the connection to {url} ended: {text}")
    return TopologyError(f"{url} refuses: {text}", code=code, name=name, hint=_REFUSALS[code])


def login_refusal(text: str, url: str) -> LoginError:
    """The broker does not let us in."""
    return LoginError(
        f"the broker at {url} refuses the login: {text}",
        hint="check the user, the password and the virtual host of the bus URL",
    )
