"""Passwords, hashed by Argon2id. An unknown user takes as long as a wrong password."""

from threading import BoundedSemaphore

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from bodycam.errors import UsageError

LEAST_LETTERS = 12
MOST_BYTES = 256
_hasher = PasswordHasher()  # the library's own choice: RFC 9106, low memory: 64 MiB, three passes
_at_once = BoundedSemaphore(2)
"""Each check takes 64 MiB and a core: two together are enough, others wait for their turn."""
_NOBODY = _hasher.hash("nobody has this password")


def hashed(password: str) -> str:
    """What is kept of a password; raises UsageError where it is too short or too long."""
    if len(password) < LEAST_LETTERS or len(password.encode()) > MOST_BYTES:
        raise UsageError(
            f"A password has at least {LEAST_LETTERS} letters and at most {MOST_BYTES} bytes.",
            do="Take a few words that only you would put together.",
        )
    with _at_once:
        return _hasher.hash(password)


def fits(password: str, kept: str | None) -> bool:
    """Whether this is the password; with None (there is no such user) the same work for nothing."""
    if len(password.encode()) > MOST_BYTES:
        password = ""
    with _at_once:
        try:
            _hasher.verify(kept or _NOBODY, password)
        except (VerificationError, InvalidHashError):
            return False
    return kept is not None
