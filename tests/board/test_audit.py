"""How long the log keeps its lines."""

from pathlib import Path

import pytest

from bodycam_station.board import audit as log
from bodycam_station.fleet.store import Store

DAY_NS = 86_400_000_000_000
NOW_NS = 1_790_000_000_000_000_000


def test_old_lines_go_once_a_day_while_the_board_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = [NOW_NS]
    monkeypatch.setattr("bodycam_station.board.audit.time.time_ns", lambda: now[0])
    store = Store.open(tmp_path / "fleet.db")
    audit = log.Audit(store)

    def people(days: int, person: str) -> list[str]:
        """Who stands in the log after somebody came, so many days after the beginning."""
        now[0] = NOW_NS + days * DAY_NS
        audit.add("log-in", person=person)
        return [one.person for one in audit.all(log.Wanted())]

    assert people(0, "ann") == ["ann"]
    assert people(log.KEPT_DAYS - 1, "bob") == ["ann", "bob"]
    assert people(log.KEPT_DAYS + 1, "eve") == ["bob", "eve"]
    store.close()
