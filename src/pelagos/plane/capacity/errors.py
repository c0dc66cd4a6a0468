"""What a driver of machines on demand says when a cloud does not do what it was asked.

CapacityError            a cloud did not do it
├── CapacityNotConfigured  the section [capacity.NAME] cannot be used; nothing was sent
├── Refused              the cloud said no, and will again until somebody changes something
│   └── QuotaReached     … because all is used up; less use of the cloud helps
├── Unanswered           no answer came, or a fault: whether it was done is not known
└── MachineLost          the machine failed, or did not get ready in time
"""

from __future__ import annotations

from pelagos.core.errors import PelagosError


class CapacityError(PelagosError):
    """A cloud did not do what it was asked; the message names neither token nor user data."""


class CapacityNotConfigured(CapacityError):
    """The settings of a capacity cannot be used: a key is missing, wrong or unknown."""


class Refused(CapacityError):
    """The cloud said no; asking again for the same changes nothing."""


class QuotaReached(Refused):
    """What the login may use of the cloud is used up."""


class Unanswered(CapacityError):
    """No answer, a late or a broken one: what was asked may have been done nevertheless."""


class MachineLost(CapacityError):
    """A machine went into a failure, disappeared, or took too long."""
