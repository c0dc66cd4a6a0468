"""Asking: one question to many sources, each kept apart, and the truth about what each did.

Admission rule: knows sources as values that can be called, and time; never a profile, a term or
HTTP. The way in is `Asking`.
"""

from __future__ import annotations

from pelagos.directory.asking.asking import Asking as Asking
from pelagos.directory.asking.asking import Question as Question
from pelagos.directory.asking.asking import verdict_of as verdict_of

__all__ = ["Asking", "Question", "verdict_of"]
