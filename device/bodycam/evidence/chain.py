"""Where a chain of signed lines stands, and what its next line must look like.

Ledger, journal and the station's log share one shape: `dom`, whose chain it is, `seq` without a gap
from 0, `kind`, that kind's own fields in their order, `prev`, `sig`.
"""

import re
from collections.abc import Callable, Mapping

from bodycam.errors import LineError
from bodycam.evidence.lines import ZERO, Fields, Line, digest, sign_line

HEX64 = re.compile(r"[0-9a-f]{64}")
DEVICE = re.compile(r"[a-z0-9-]{1,64}")
"""A camera's id, which is also its name on the network."""
KIND = re.compile(r"[a-z][a-z-]{0,31}")

Forms = Mapping[str, re.Pattern[str] | None]
"""The fields of a kind in their order, each with its form; None is for an integer."""


class Chain:
    """The number of the next line (`seq`) and the digest of the last one (`head`)."""

    def __init__(self, dom: str, owner: tuple[str, str], *, seq: int = 0, head: str = ZERO) -> None:
        """`owner` is the name and the value of the field after `dom`."""
        self.seq = seq
        self.head = head
        self._start: dict[str, str | int] = {"dom": dom, owner[0]: owner[1]}

    def add(self, kind: str, own: Fields, sign: Callable[[bytes], bytes]) -> bytes:
        """Sign the next line and step over it; raises LineError, and then nothing has changed."""
        _check_kind(kind)
        fields = {**self._start, "seq": self.seq, "kind": kind, **own, "prev": self.head}
        line = sign_line(fields, sign)
        self.seq += 1
        self.head = digest(line)
        return line

    def read(self, line: Line) -> tuple[str, dict[str, str | int]]:
        """The kind and own fields of the line that comes next; raises LineError if it does not.

        The caller checks both and the signature, then calls `step`.
        """
        own = dict(line.fields)
        expected = {**self._start, "seq": self.seq, "kind": own.get("kind"), "prev": self.head}
        if [*own][: len(expected) - 1] != [*expected][:-1] or [*own][-1] != "prev":
            raise LineError("Its keys are not those of this chain's lines.")
        for name, value in expected.items():
            if own.pop(name) != value:
                raise LineError(f"Its {name} is not the one that must come here.")
        kind = str(line.fields["kind"])
        _check_kind(kind)
        return kind, own

    def step(self, line: Line) -> None:
        """Go on to the line after this one."""
        self.seq += 1
        self.head = line.digest


def check(own: Fields, forms: Forms) -> None:
    """Raises LineError unless the fields are those of `forms`, in order and well formed."""
    if [*own] != [*forms]:
        raise LineError("Its keys are not those of its kind.")
    for name, form in forms.items():
        value = own[name]
        good = (
            isinstance(value, int)
            if form is None
            else (isinstance(value, str) and form.fullmatch(value) is not None)
        )
        if not good:
            raise LineError(f"Its {name} is not well formed.")


def _check_kind(kind: str) -> None:
    if not KIND.fullmatch(kind):
        raise LineError("Its kind is not well formed.")
