"""The check of the directory: does it answer, and are all of its sources there?"""

from __future__ import annotations

from collections.abc import Callable

from pelagos.core.errors import PelagosError
from pelagos.core.http import HttpClient, HttpError
from pelagos.directory.client import DirectoryClient
from pelagos.directory.errors import DirectoryUnreachable


def look_at_directory(
    url: str, token: str | None, timeout: float, mend_silence: Callable[[HttpError], str]
) -> tuple[bool, str, str]:
    """Whether all is well, what was seen, and how to mend it.

    Args:
        url: of the directory.
        token: of a person; without one only whether it answers can be seen.
        timeout: seconds for each of two answers.
        mend_silence: what to do when it does not answer.
    """
    http = HttpClient(url, timeout=timeout)
    try:
        http.request("GET", "0.1/directories/lookup/default")
        answers = f"answers at {url}"
        if not token:
            return True, answers, ""
        return _sources(DirectoryClient(url, token, http=http), answers)
    except HttpError as error:
        return False, error.message, mend_silence(error)
    finally:
        http.close()


def _sources(directory: DirectoryClient, answers: str) -> tuple[bool, str, str]:
    try:
        sources = directory.sources()
    except DirectoryUnreachable as error:
        return False, error.message, error.hint or "look at its log"
    except PelagosError:  # a token that may look up and not see this: nothing is wrong with that
        return True, answers, ""
    missing = [one for one in sources if not one.is_loaded]
    if not missing:
        count = f"{len(sources)} source{'' if len(sources) == 1 else 's'}"
        return True, f"{answers}, with {count}", ""
    said = "; ".join(f"{one.name} could not be loaded: {one.error}" for one in missing)
    mend = f"pelagos why {missing[0].name}; its settings: [directory.settings.sources]"
    return False, f"{answers}, but {said}", mend
