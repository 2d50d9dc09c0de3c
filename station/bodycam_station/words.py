"""How the commands say what they found: plain sentences, the bad news marked with `!`."""

import base64
import hashlib
import json
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from bodycam.evidence.keys import PublicKey
from bodycam_station.card import CardReport
from bodycam_station.custody import NOTE, UNSETTLED, WRONG, Finding
from bodycam_station.files import shown
from bodycam_station.intake import Imported, Report
from bodycam_station.verify import INCOMPLETE, KNOWN, NOT_OK, NOT_SIGNED, UNFINISHED, Verdict

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


_DO = {
    NOT_OK: "Keep card and camera as they are; import sets a copy aside for who looks into it.",
    INCOMPLETE: "Nothing: it is whole up to a power cut.",
    UNFINISHED: "Put the card back, let the camera start once, and look again.",
}
_DO_UNKNOWN = "Ask the station that enrolled the camera; here nobody vouches for its key."


def print_card(path: Path, report: CardReport) -> None:
    """A card as a person reads it: one line on all of it, then what is not as it should be."""
    whose = f"Card of {report.device}" if report.device else f"Card {shown(path)}"
    kinds = Counter(_kind(verdict) for _, verdict in report.recordings)
    wrong = sum(one.weight == WRONG for one in report.findings)
    wrong += sum(verdict.exit_code == WRONG for _, verdict in report.recordings)
    unsettled = sum(one.weight == UNSETTLED for one in report.findings) + kinds[UNFINISHED]
    count = len(report.recordings)
    each = f" ({', '.join(f'{number} {kind}' for kind, number in sorted(kinds.items()))})"
    print(
        f"{whose}: {count} recording{'s' * (count != 1)}{each if count else ''}; "
        f"{f'{wrong} wrong' if wrong else 'nothing wrong'}"
        f"{f', {unsettled} to be settled' if unsettled else ''}."
    )
    _print_findings(report.findings)
    whole = []
    for name, verdict in report.recordings:
        if verdict.exit_code == 0:
            whole.append(name)
            continue
        said = _kind(verdict)
        print(f"  {_MARKS[verdict.exit_code]} {name}: {said}")
        for problem in verdict.problems[:SHOWN]:
            print(f"      {problem}")
        for note in verdict.notes:
            print(f"      {note}")
        print(f"      {_DO.get(said, _DO_UNKNOWN)}")
    for name in whole:
        print(f"    {name}: ok")
    for said in report.notes:
        print(f"    {said}")
    for what in report.unjudged:
        print(f"    Not judged without --station: {what}.")


def _kind(verdict: Verdict) -> str:
    """A verdict in a word: what is wrong before what is not."""
    if verdict.integrity == NOT_OK:
        return NOT_OK
    return verdict.integrity if verdict.provenance == KNOWN else verdict.provenance


def _print_findings(findings: Sequence[Finding]) -> None:
    """What is wrong first."""
    for one in sorted(findings, key=lambda one: _ORDER.index(one.weight)):
        print(f"  {_MARKS[one.weight]} {one}.")
        print(f"      {one.do}")


_ORDER = (WRONG, UNSETTLED, NOTE)
_MARKS = {WRONG: "!", UNSETTLED: "-", NOTE: " "}


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
    _print_findings(report.findings)
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
