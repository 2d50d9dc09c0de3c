"""What the pages say, on a server without a browser: the morning, a camera, the log, the files."""

import csv
import html
import io
import re
from dataclasses import replace

import pytest

from board.served import Served
from bodycam_station.board.access import Role
from bodycam_station.fleet import findings
from bodycam_station.fleet.views import Link, Moment, Recording, Refused


def words(page: str) -> str:
    """A page's text, as it is read."""
    bare = re.sub(r"<(script|style|svg)\b.*?</\1>", " ", page, flags=re.DOTALL)
    return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", bare)).split())


def section(page: str, name: str) -> str:
    """The text of a part of the morning page, by the id of its heading."""
    start = page.index(f'id="cases-{name}"')
    return words(page[page.rindex("<", 0, start) : page.index("</section>", start)])


def test_the_first_line_is_the_answer(board: Served) -> None:
    viewer = board.client(Role.VIEWER)
    text = words(viewer.get("/").text)
    assert "21 can go out · 2 cannot · 1 missing" in text
    dutch = board.client(Role.VIEWER, **{"Accept-Language": "nl"})
    assert "21 kunnen mee · 2 niet · 1 ontbreekt" in words(dutch.get("/").text)
    for camera in ("cam07", "cam11", "cam18"):
        board.fleet.put(camera)
    assert "All 24 can go out" in words(viewer.get("/").text)


def test_each_exception_says_since_when_and_what_to_do(shared: Served) -> None:
    page = shared.client(Role.VIEWER).get("/").text
    cannot = section(page, "cannot")
    assert cannot.index("cam18") < cannot.index("cam11")  # custody comes first
    assert "The speaker did not give the warning since 07:00" in cannot
    assert "What to do: Have the speaker replaced" in cannot
    assert (
        "The card shows an older state than was seen before (line 812, known up to 840)" in cannot
    )
    missing = section(page, "missing")
    assert "cam07" in missing
    assert "Not heard since yesterday 16:48" in missing
    see = section(page, "see")
    assert "3 recordings have been on the camera for more than 24 hours" in see
    assert "The clock is 94 s off (source: clock module)" in see
    assert "cam20" not in see  # a matter of software is no reason to hurry
    assert "cam21" not in see  # somebody is at it


@pytest.mark.parametrize("language", ["nl", "en"])
def test_every_finding_has_its_words_also_where_nobody_knows_the_figures(
    board: Served, language: str
) -> None:
    codes = [code for code in findings.FINDINGS if code != findings.FAULT]
    board.fleet.put("cam05", *((code, "", 1) for code in codes))
    found = board.fleet.camera("cam05", 0).row.findings
    board.fleet.change("cam05", findings=tuple(replace(one, values={}) for one in found))
    page = board.client(Role.VIEWER, **{"Accept-Language": language}).get("/cameras/cam05").text
    assert page.count('class="do"') == len(codes)
    assert "{" not in words(page)


def test_a_fault_that_the_board_does_not_know_is_still_told(board: Served) -> None:
    board.fleet.put("cam05", (findings.FAULT, "flux-capacitor", 1))
    assert "Fault: flux-capacitor" in words(board.client(Role.VIEWER).get("/").text)


def test_what_cameras_and_people_say_is_text_and_never_markup(board: Served) -> None:
    evil = "<script>alert(1)</script>\"'&"
    board.fleet.put("cam05", (findings.FAULT, evil, 1), group=evil, software=evil, model=evil)
    board.fleet.moments["cam05"] = [Moment(board.clock(), "journal.void", evil, evil, evil)]
    board.fleet.link = Link(False, board.clock(), evil)
    board.fleet.refused = Refused(strangers=((evil, 1, board.clock()),))
    manager = board.client(Role.MANAGER)
    finding = board.fleet.camera("cam18", 0).row.findings[0]
    manager.post("/cameras/cam18/acknowledge", finding=str(finding.id), note=evil)
    auditor = board.client(Role.AUDITOR)
    pages = [manager.get(path).text for path in ("/", f"/?q={evil}", "/cameras/cam05", "/alerts")]
    pages.append(auditor.get("/audit").text)
    for page in pages:
        assert "<script>alert" not in page
        assert html.escape(evil) in page or "&lt;script&gt;" in page


def test_a_seen_exception_moves_out_of_the_way_and_says_who_is_at_it(board: Served) -> None:
    manager = board.client(Role.MANAGER)
    finding = board.fleet.camera("cam14", 0).row.findings[0]
    answer = manager.post(
        "/cameras/cam14/acknowledge",
        finding=str(finding.id),
        note="Klok wordt vanmiddag gezet",
        back="morning",
    )
    assert answer.headers["location"] == "/?said=acknowledged"
    page = manager.get(answer.headers["location"]).text
    assert "It is noted that you have seen it." in words(page)
    assert "cam14" not in section(page, "see")
    assert "Seen by manager, 08:12 Klok wordt vanmiddag gezet" in words(page)
    line = board.log(act="acknowledge")[0]
    assert (line.person, line.role, line.about) == ("manager", "manager", "cam14")
    assert line.note == "clock: Klok wordt vanmiddag gezet"


@pytest.mark.parametrize("note", ["", "   ", "x" * 301])
def test_a_note_is_a_line_of_text(board: Served, note: str) -> None:
    finding = board.fleet.camera("cam14", 0).row.findings[0]
    manager = board.client(Role.MANAGER)
    answer = manager.post("/cameras/cam14/acknowledge", finding=str(finding.id), note=note)
    assert answer.status_code in (400, 413)
    assert board.fleet.camera("cam14", 0).row.findings[0].acknowledged is None
    assert board.log(act="acknowledge") == []


def test_a_finding_that_is_over_or_of_another_camera_is_not_acknowledged(board: Served) -> None:
    other = board.fleet.camera("cam18", 0).row.findings[0]
    manager = board.client(Role.MANAGER)
    for number in (str(other.id), "0", "999999", "x"):
        answer = manager.post("/cameras/cam14/acknowledge", finding=number, note="seen")
        assert answer.headers["location"] == "/cameras/cam14?said=gone"
    assert board.fleet.camera("cam18", 0).row.findings[0].acknowledged is None


# ---- the fleet -----------------------------------------------------------------------------------


def listed(page: str) -> list[str]:
    return re.findall(r'id="(?:row|tile)-(cam\d+)"', page)


@pytest.mark.parametrize(
    ("query", "cameras"),
    [
        ("q=cam07", ["cam07"]),
        ("q=SPEAKER", ["cam11"]),
        ("q=zuid&show=cannot", ["cam11"]),
        ("show=missing", ["cam07"]),
        ("show=out", ["cam02", "cam05", "cam09"]),
        ("group=Overvecht&show=cannot&look=tiles", ["cam18"]),
        ("q=nothing-like-it", []),
        ("group=-", []),
    ],
)
def test_the_fleet_is_searched_and_filtered(shared: Served, query: str, cameras: list[str]) -> None:
    page = shared.client(Role.VIEWER).get(f"/?{query}").text
    assert listed(page) == cameras
    if not cameras:
        assert "No camera matches this filter" in words(page)


def test_a_query_that_makes_no_sense_shows_everything(shared: Served) -> None:
    page = shared.client(Role.VIEWER).get("/?show=x&look=y&page=-1&said=<b>").text
    assert len(listed(page)) == 24


def test_a_great_fleet_comes_in_pages_of_bounded_weight(board: Served) -> None:
    for n in range(1000):
        board.fleet.put(f"cam{n:04d}", (findings.HANDOVER, "", 30), group=f"g{n % 7}")
    viewer = board.client(Role.VIEWER)
    first, last = viewer.get("/"), viewer.get("/?page=21")
    assert len(listed(first.text)) == 50
    assert len(listed(last.text)) == 24
    assert "Page 21 of 21" in words(last.text)
    assert len(listed(viewer.get("/?page=99").text)) == 24
    assert "cameras: see the whole list" in words(first.text)
    assert len(first.content) < 150_000


def test_an_empty_fleet_says_how_to_begin(board: Served) -> None:
    board.fleet._rows.clear()
    text = words(board.client(Role.VIEWER).get("/").text)
    assert "No camera is enrolled yet" in text
    assert "bodycam-station enroll" in text


def test_a_station_that_hears_nothing_says_so_first(board: Served) -> None:
    board.fleet.link = Link(False, board.clock() - 3_600_000, "Connection refused.")
    text = words(board.client(Role.VIEWER).get("/").text)
    assert "The station has heard no cameras since 07:12" in text
    assert text.index("heard no cameras") < text.index("Cannot go out")


# ---- a camera ------------------------------------------------------------------------------------


def test_a_camera_shows_its_figures_and_its_history_in_words(shared: Served) -> None:
    text = words(shared.client(Role.VIEWER).get("/cameras/cam05").text)
    assert "In use since yesterday 23:12" in text
    assert "Battery 75 % about 10 h left" in text
    assert "Now 95 %; lowest 33 %, highest 100 %. Once nothing was heard for a while." in text


def test_looking_at_a_camera_is_in_the_log_once(board: Served) -> None:
    viewer = board.client(Role.VIEWER)
    viewer.get("/cameras/cam05?span=week")
    assert [(line.person, line.about, line.note) for line in board.log(act="view-camera")] == [
        ("viewer", "cam05", "week")
    ]
    viewer.get("/cameras/cam99")
    assert len(board.log(act="view-camera")) == 1


def test_when_recordings_were_made_is_not_shown(board: Served) -> None:
    """No measure of anybody's work: only what the station has not received yet."""
    now = board.clock()
    rec = "cam05-0000{}-9f3c21d8"
    board.fleet.moments["cam05"] = [
        Moment(now, "journal.close", rec.format(41)),
        Moment(now, "journal.open", rec.format(41)),
        Moment(now, "journal.boot"),
    ]
    board.fleet.recordings["cam05"] = [
        Recording(rec.format(42), now, "close", now, None),
        Recording(rec.format(43), now, "close", now, now),
        Recording(rec.format(44), now, "void", now, None),
    ]
    text = words(board.client(Role.VIEWER).get("/cameras/cam05").text)
    assert "Started" in text
    assert rec.format(42) in text
    for gone in (41, 43, 44):
        assert rec.format(gone) not in text


@pytest.mark.parametrize("language", ["nl", "en"])
def test_every_kind_of_moment_has_its_words(board: Served, language: str) -> None:
    from bodycam.messages.camera import EVENT_KINDS

    kinds = [
        *(f"journal.{kind}" for kind in EVENT_KINDS),
        *(f"{what}.{code}" for what in ("raised", "cleared") for code in findings.FINDINGS),
        "acknowledged.clock",
        "state.lost",
        "command.locate",
        "something.new",
    ]
    board.fleet.moments["cam05"] = [
        Moment(board.clock(), kind, "card-worn", "devries", "a note", True) for kind in kinds
    ]
    page = board.client(Role.VIEWER, **{"Accept-Language": language}).get("/cameras/cam05")
    assert page.status_code == 200
    assert "{" not in words(page.text)


# ---- commands ------------------------------------------------------------------------------------


def test_a_command_goes_its_way_on_the_page(board: Served) -> None:
    manager = board.client(Role.MANAGER)
    answer = manager.post("/cameras/cam05/command", command="locate", seconds="30")
    assert answer.headers["location"] == "/cameras/cam05?said=sent#commands"
    given = board.fleet.given[0]
    assert (given.name, given.arguments, given.person) == ("locate", {"seconds": 30}, "manager")
    page = words(manager.get("/cameras/cam05").text)
    assert "Show yourself manager, 08:12 Sent" in page
    board.fleet.answer(0, "accepted")
    assert "Accepted" in words(manager.get("/cameras/cam05").text)
    board.fleet.answer(0, "refused", "It is recording.")
    assert "Refused It is recording." in words(manager.get("/cameras/cam05").text)
    assert board.log(act="command")[0].note == "locate"


@pytest.mark.parametrize(
    ("fields", "status"),
    [
        ({"command": "format"}, 400),
        ({"command": ""}, 400),
        ({"command": "locate", "seconds": "0"}, 400),
        ({"command": "locate", "seconds": "3600"}, 400),
        ({"command": "locate", "seconds": "ten"}, 400),
        ({"command": "reboot"}, 409),  # cam05 is out
    ],
)
def test_a_command_that_makes_no_sense_is_not_sent(
    board: Served, fields: dict[str, str], status: int
) -> None:
    assert board.client(Role.MANAGER).post("/cameras/cam05/command", **fields).status_code == status
    assert board.fleet.given == []
    assert board.log(act="command") == []


@pytest.mark.parametrize(
    ("state", "recording", "connected", "offered"),
    [
        ("docked", False, True, {"locate", "report", "rebirth", "reboot"}),
        ("online", False, True, {"locate", "report", "rebirth"}),
        ("online", True, True, {"report", "rebirth"}),
        ("lost", False, True, set()),
        ("docked", False, False, set()),
    ],
)
def test_only_what_can_be_done_now_can_be_sent(
    board: Served, state: str, recording: bool, connected: bool, offered: set[str]
) -> None:
    board.fleet.put("cam05", state=state, recording=recording)
    board.fleet.link = Link(connected, board.clock())
    manager = board.client(Role.MANAGER)
    forms = manager.get("/cameras/cam05").text.split('name="command" value="')[1:]
    shown = {one.partition('"')[0]: one.partition("</form>")[0] for one in forms}
    assert set(shown) == {"locate", "report", "rebirth", "reboot"}
    assert {name for name, form in shown.items() if "disabled" not in form} == offered
    for name in shown:
        code = manager.post("/cameras/cam05/command", command=name).status_code
        assert (code == 303) == (name in offered)


# ---- files and the log ---------------------------------------------------------------------------


def sheet(data: bytes) -> list[list[str]]:
    return list(csv.reader(io.StringIO(data.decode("utf-8-sig"), newline="")))


def test_the_fleet_as_a_file(board: Served) -> None:
    board.fleet.put("cam05", group='=HYPERLINK("http://evil")')
    answer = board.client(Role.AUDITOR).get("/fleet.csv")
    assert answer.headers["content-type"].startswith("text/csv")
    assert "attachment" in answer.headers["content-disposition"]
    rows = sheet(answer.content)
    assert len(rows) == 25
    assert ["cam05", '\'=HYPERLINK("http://evil")', "can", "98"] in rows
    assert board.log(act="take-fleet")[0].person == "auditor"


def test_the_log_is_read_filtered_and_taken_and_says_so(board: Served) -> None:
    board.client(Role.VIEWER).get("/cameras/cam05")
    board.client(Role.MANAGER).post("/cameras/cam18/group", group="West")
    auditor = board.client(Role.AUDITOR)
    page = words(auditor.get("/audit").text)
    assert "manager Manager Changed a group cam18 Overvecht > West" in page
    assert "viewer Viewer Looked at a camera cam05 day" in page
    only = words(auditor.get("/audit?act=group").text)
    assert "Changed a group cam18" in only
    assert "cam05" not in only
    assert "1 line" in only
    rows = sheet(auditor.get("/audit.csv?person=manager").content)
    assert [row[2:] for row in rows] == [
        ["person", "role", "act", "about", "note"],
        ["manager", "manager", "group", "cam18", "Overvecht > West"],
    ]
    acts = [line.act for line in board.log(person="auditor")]
    assert acts == ["take-audit", "view-audit", "view-audit"]


def test_an_act_that_cannot_be_logged_is_not_done(
    board: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    from bodycam_station.fleet.port import StorageError

    manager = board.client(Role.MANAGER)
    key = manager.form_key()

    def fails(*_: object, **__: object) -> None:
        raise StorageError("The database does not answer.")

    monkeypatch.setattr(type(board.board.audit), "add", fails)
    assert manager.post("/cameras/cam05/group", key=key, group="West").status_code == 503
    assert manager.post("/cameras/cam05/command", key=key, command="report").status_code == 503
    assert board.fleet.camera("cam05", 0).row.group == "Noord"
    assert board.fleet.given == []
    assert manager.get("/cameras/cam05").status_code == 503  # not even looked at


# ---- language and colours ------------------------------------------------------------------------


def test_language_and_colours_are_chosen_and_stay(shared: Served) -> None:
    visitor = shared.client()
    assert '<html lang="en" data-theme="auto">' in visitor.get("/login").text
    answer = visitor.post("/preferences", key="", language="nl", theme="dark", back="/login")
    assert answer.headers["location"] == "/login"
    assert '<html lang="nl" data-theme="dark">' in visitor.get("/login").text
    visitor.post("/preferences", key="", language="xx", theme="pink")
    assert '<html lang="nl" data-theme="dark">' in visitor.get("/login").text


@pytest.mark.parametrize("back", ["//evil.example", "/\\evil.example", "http://evil.example", ""])
def test_nobody_is_sent_elsewhere(shared: Served, back: str) -> None:
    answer = shared.client().post("/preferences", key="", language="nl", back=back)
    assert answer.headers["location"] == "/"
