"""How the commands say what they found: plain sentences, the bad news marked with `!`."""

import base64
import hashlib
import json
from pathlib import Path

from bodycam.evidence.keys import PublicKey
from bodycam_station.files import shown
from bodycam_station.intake import Imported, Report
from bodycam_station.verify import NOT_OK, NOT_SIGNED, Verdict

SHOWN = 20
"""Problems printed of each recording; --json has them all."""


def fingerprint(key: PublicKey) -> str:
    """A key as ssh-keygen -l shows it."""
    return "SHA256:" + base64.b64encode(hashlib.sha256(key.blob()).digest()).decode().rstrip("=")


def print_verdict(path: Path, verdict: Verdict) -> None:
    """A verdict as a person reads it."""
    print(f"{verdict.rec or shown(path.name)}: {verdict.integrity}")
    if verdict.provenance != NOT_SIGNED:
        print(f"  {verdict.provenance_text}")
        print(f"  {verdict.anchoring}")
        count = len(verdict.objects)
        print(f"  {count} object{'s' * (count != 1)}, {_size(verdict.sealed_bytes)}")
    for problem in verdict.problems[:SHOWN]:
        print(f"  ! {problem}")
    if len(verdict.problems) > SHOWN:
        print(f"  ! and {len(verdict.problems) - SHOWN} more; --json lists them")
    for said in verdict.notes:
        print(f"  {said}")


def print_report(report: Report) -> None:
    """What became of a card."""
    count = len(report.recordings)
    print(
        f"Card of {report.device or 'a camera that is not known here'}: "
        f"{count} recording{'s' * (count != 1)}."
    )
    for item in report.recordings:
        print(f"  {item.rec}: {item.verdict.integrity}, {item.outcome}. {_receipt_words(item)}")
        if item.verdict.integrity == NOT_OK:
            for problem in item.verdict.problems[:SHOWN]:
                print(f"    ! {problem}")
        for said in item.verdict.notes:
            print(f"    {said}")
    for rec in report.missing:
        print(f"  ! {rec} was begun, and is neither on this card nor in the store.")
    for wrong in report.problems:
        print(f"  ! {wrong}")
    for said in report.notes:
        print(f"  {said}")


def _receipt_words(item: Imported) -> str:
    return "The receipt is on the card." if item.receipt else item.why


def _size(count: int) -> str:
    if count < 1000:
        return f"{count} bytes"
    return f"{count / 1000:.1f} kB" if count < 10**6 else f"{count / 10**6:.1f} MB"


def print_json(fields: dict[str, object]) -> int:
    """One JSON object; always 0, the exit code of success."""
    print(json.dumps(fields, indent=1))
    return 0
