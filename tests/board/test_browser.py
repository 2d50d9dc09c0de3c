"""The board in a real browser."""

import re
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any

import pytest
from playwright.sync_api import APIResponse, Browser, Page, Response, Route, expect

from board.served import PASSWORD, Served
from bodycam_station.board.access import Role
from bodycam_station.fleet import findings
from browser import axe, page_in

ALL_PAGES = {
    "log-in": (None, "/login"),
    "morning": (Role.MANAGER, "/"),
    "tiles": (Role.VIEWER, "/?look=tiles"),
    "nothing found": (Role.VIEWER, "/?q=nothing-like-it"),
    "camera": (Role.MANAGER, "/cameras/cam18"),
    "alerts": (Role.MANAGER, "/alerts"),
    "audit": (Role.AUDITOR, "/audit"),
    "error": (Role.VIEWER, "/no-such-page"),
}

Opened = Callable[..., AbstractContextManager[Page]]


@pytest.fixture
def opened(browser: Browser) -> Opened:
    """Open a page of a board as somebody of that role."""

    @contextmanager
    def open_it(
        board: Served, role: Role | None, path: str = "/", **options: Any
    ) -> Iterator[Page]:
        with page_in(browser, base_url=board.url, **options) as page:
            if role is not None:
                token = board.client(role).client.cookies["session"]
                page.context.add_cookies([{"name": "session", "value": token, "url": board.url}])
            page.goto(path)
            yield page

    return open_it


def live(page: Page) -> None:
    """Wait until the page says that it is live."""
    expect(page.locator("#live")).to_have_class(re.compile(r"\bon\b"))


def never_reloaded(page: Page) -> None:
    """Mark the page; `assert still_the_same(page)` holds as long as it was not loaded again."""
    page.evaluate("() => { window.mark = 1 }")


def still_the_same(page: Page) -> bool:
    return bool(page.evaluate("() => window.mark === 1"))


# ---- the morning ---------------------------------------------------------------------------------


def test_a_manager_logs_in_with_the_keyboard_and_sees_the_answer(
    board: Served, opened: Opened
) -> None:
    with opened(board, None, "/") as page:
        expect(page).to_have_url(f"{board.url}/login")
        page.keyboard.press("Tab")
        expect(page.locator(":focus")).to_have_text("Skip to content")
        page.get_by_label("User name").focus()
        page.keyboard.type("manager")
        page.keyboard.press("Tab")
        page.keyboard.type(PASSWORD)
        page.keyboard.press("Enter")
        expect(page.get_by_role("heading", level=1)).to_have_text(
            re.compile(r"21\s*can go out\s*·\s*2\s*cannot\s*·\s*1\s*missing")
        )
        expect(page).to_have_title("21 of 24 cameras can go out · utrecht")


def test_a_wrong_password_is_told_and_nothing_is_lost(board: Served, opened: Opened) -> None:
    with opened(board, None, "/login", refused=True) as page:
        page.get_by_label("User name").fill("manager")
        page.get_by_label("Password").fill("wrong")
        page.get_by_role("button", name="Log in").click()
        expect(page.get_by_role("alert")).to_have_text(
            "The user name or the password is not right."
        )
        expect(page.get_by_label("User name")).to_have_value("manager")


def test_a_change_appears_without_a_reload(board: Served, opened: Opened) -> None:
    with opened(board, Role.VIEWER) as page:
        live(page)
        never_reloaded(page)
        board.fleet.change("cam05", battery_percent=12)
        expect(page.locator("#row-cam05")).to_contain_text("12 %")
        board.fleet.put("cam05", (findings.FAULT, "speaker-dead", 0.1))
        expect(page.locator("#case-cannot-cam05")).to_contain_text("The speaker did not give")
        expect(page.get_by_role("heading", level=1)).to_contain_text("20")
        expect(page).to_have_title(re.compile("20 of 24"))
        board.fleet.put("cam05")
        expect(page.locator("#case-cannot-cam05")).to_have_count(0)
        assert still_the_same(page)


def test_a_fault_is_acknowledged_with_a_note_while_things_change(
    board: Served, opened: Opened
) -> None:
    with opened(board, Role.MANAGER) as page:
        live(page)
        never_reloaded(page)
        case = page.locator("#case-see-cam14")
        case.get_by_text("Acknowledge").click()
        note = case.get_by_label("What was done, or who will do it?")
        expect(note).to_be_focused()
        page.keyboard.type("Set this ")
        # What arrives meanwhile neither closes the form nor takes the text or the focus away.
        board.fleet.put("cam05", (findings.FAULT, "speaker-dead", 0.1))
        board.fleet.change("cam14", state="online")
        expect(page.locator("#case-cannot-cam05")).to_be_visible()
        expect(case).to_contain_text("In use")
        expect(note).to_be_focused()
        page.keyboard.type("afternoon")
        expect(note).to_have_value("Set this afternoon")
        assert still_the_same(page)
        page.keyboard.press("Enter")
        expect(page.get_by_text("It is noted that you have seen it.")).to_be_visible()
        expect(case).to_have_count(0)
        page.get_by_text("Seen already").click()
        seen = page.locator("#case-seen-cam14")
        expect(seen).to_contain_text("Seen by manager, 08:12 Set this afternoon")
    row = board.fleet.camera("cam14", 0).row
    assert row.findings[0].acknowledged is not None
    assert row.findings[0].acknowledged.note == "Set this afternoon"


def test_a_command_goes_from_sent_to_done_before_ones_eyes(board: Served, opened: Opened) -> None:
    with opened(board, Role.MANAGER, "/cameras/cam18") as page:
        page.get_by_role("button", name="Show yourself").click()
        expect(page.get_by_text("The command was sent.")).to_be_visible()
        live(page)
        never_reloaded(page)
        sent = page.get_by_role("list", name="Commands sent").locator("li").first
        expect(sent).to_contain_text("Sent")
        board.fleet.answer(0, "accepted")
        expect(sent).to_contain_text("Accepted")
        board.fleet.answer(0, "done")
        expect(sent).to_contain_text("Done")
        assert still_the_same(page)


def test_a_command_that_is_done_before_the_page_listens_is_seen_to_be_done(
    board: Served, opened: Opened
) -> None:
    with opened(board, Role.MANAGER, "/cameras/cam18") as page:
        held: list[Route] = []

        def hold(route: Route) -> None:
            held.append(route)

        page.route("**/live*", hold)
        page.get_by_role("button", name="Show yourself").click()
        sent = page.get_by_role("list", name="Commands sent").locator("li").first
        expect(sent).to_contain_text("Sent")
        while not held:
            page.wait_for_timeout(20)
        board.fleet.answer(0, "done")
        held[-1].continue_()
        expect(sent).to_contain_text("Done")


def test_what_comes_while_the_page_is_fetched_again_is_not_overwritten_by_it(
    board: Served, opened: Opened
) -> None:
    with opened(board, Role.VIEWER) as page:
        live(page)
        held: list[tuple[Route, APIResponse]] = []

        def hold(route: Route) -> None:
            held.append((route, route.fetch()))

        page.route(f"{board.url}/", hold)
        board.fleet.put("cam06", (findings.FAULT, "speaker-dead", 0.1))
        while not held:
            page.wait_for_timeout(20)
        board.fleet.change("cam05", battery_percent=12)
        page.wait_for_function("() => 'row-cam05' in later")
        for route, older in held:
            route.fulfill(response=older)
        expect(page.locator("#case-cannot-cam06")).to_be_visible()
        expect(page.locator("#row-cam05")).to_contain_text("12 %")


def test_the_fleet_is_searched_while_typing(board: Served, opened: Opened) -> None:
    with opened(board, Role.VIEWER) as page:
        live(page)
        never_reloaded(page)
        rows = page.locator("#fleet tbody tr")
        expect(rows).to_have_count(24)
        page.get_by_role("searchbox").fill("speaker")
        expect(rows).to_have_count(1)
        expect(page.get_by_role("searchbox")).to_be_focused()
        expect(page).to_have_url(f"{board.url}/?q=speaker")
        page.get_by_label("Show", exact=True).select_option("missing")
        expect(page.get_by_text("No camera matches this filter.")).to_be_visible()
        page.get_by_role("searchbox").fill("")
        expect(rows).to_have_count(1)
        # What is shown now is what stays up to date.
        board.fleet.change("cam07", battery_percent=7)
        expect(page.locator("#row-cam07")).to_contain_text("7 %")
        assert still_the_same(page)


# ---- when the station is gone --------------------------------------------------------------------


def test_a_page_that_is_cut_off_says_so_and_recovers_by_itself(
    board: Served, opened: Opened
) -> None:
    with opened(board, Role.VIEWER, refused=True) as page:
        live(page)
        never_reloaded(page)
        expect(page.locator("#cut")).to_be_hidden()
        with board.away():
            expect(page.locator("#cut")).to_contain_text(
                re.compile(r"Not live since \d\d:\d\d.*The connection to the station is gone")
            )
            expect(page.locator("#live")).to_have_text(re.compile("Not live since"))
            board.fleet.change("cam05", battery_percent=3)
        live(page)
        expect(page.locator("#cut")).to_be_hidden()
        expect(page.locator("#row-cam05")).to_contain_text("3 %")
        assert still_the_same(page)


def test_a_session_that_ends_leads_to_the_log_in(board: Served, opened: Opened) -> None:
    with opened(board, Role.VIEWER) as page:
        live(page)
        board.board.accounts.remove("viewer")
        board.hub.close()  # which the stream would do within LEASE_S
        expect(page).to_have_url(f"{board.url}/login?why=again")
        expect(page.get_by_text("Your session has ended.")).to_be_visible()


# ---- for everybody -------------------------------------------------------------------------------


@pytest.mark.parametrize("language", ["nl", "en"])
@pytest.mark.parametrize("name", ALL_PAGES)
def test_axe_finds_nothing(shared: Served, opened: Opened, name: str, language: str) -> None:
    role, path = ALL_PAGES[name]
    missing = name == "error"
    with opened(shared, role, path, refused=missing, locale=language, color_scheme="light") as page:
        for summary in page.locator("main summary").all():
            summary.click()
        if page.locator("#live").count():
            live(page)
        assert page.locator("html").get_attribute("lang") == language
        assert axe(page) == []
        page.emulate_media(color_scheme="dark")
        assert axe(page) == []


@pytest.mark.parametrize("name", ALL_PAGES)
def test_nothing_is_cut_off_on_a_small_phone(shared: Served, opened: Opened, name: str) -> None:
    """Also at 320 pixels, which is a desktop magnified four times (WCAG 1.4.10)."""
    role, path = ALL_PAGES[name]
    phone = {"viewport": {"width": 360, "height": 740}, "locale": "nl"}
    with opened(shared, role, path, refused=name == "error", **phone) as page:
        for width in (360, 320):
            page.set_viewport_size({"width": width, "height": 740})
            assert page.evaluate("() => document.documentElement.scrollWidth") <= width
        page.locator("#menu summary").click()
        box = page.locator("#menu .sheet").bounding_box()
        assert box is not None
        assert box["x"] >= 0
        assert box["x"] + box["width"] <= 320


def test_the_keyboard_reaches_everything_and_shows_where_it_is(
    shared: Served, opened: Opened
) -> None:
    with opened(shared, Role.MANAGER) as page:
        reached = []
        for _ in range(14):
            page.keyboard.press("Tab")
            outline = page.evaluate(
                "() => { const s = getComputedStyle(document.activeElement);"
                " return s.outlineStyle !== 'none' && parseFloat(s.outlineWidth) >= 2 }"
            )
            text = page.locator(":focus").inner_text().split("\n")[0].strip()
            assert outline, text
            reached.append(text)
        assert reached[:5] == ["Skip to content", "Bodycams Utrecht", "Today", "Alerts", "manager"]
        assert "cam18" in reached
        assert reached.count("Acknowledge") >= 2
        page.locator("#menu summary").focus()
        page.keyboard.press("Enter")
        expect(page.get_by_role("button", name="Log out")).to_be_visible()
        page.keyboard.press("Escape")
        expect(page.get_by_role("button", name="Log out")).to_be_hidden()
        expect(page.locator("#menu summary")).to_be_focused()


def test_language_and_colours_by_hand(board: Served, opened: Opened) -> None:
    with opened(board, Role.VIEWER, color_scheme="light") as page:
        page.locator("#menu summary").click()
        page.get_by_label("Nederlands").check()
        page.get_by_label("Dark").check()
        page.get_by_role("button", name="Apply").click()
        expect(page.get_by_role("heading", level=1)).to_contain_text("kunnen mee")
        ground = page.evaluate("() => getComputedStyle(document.documentElement).backgroundColor")
        assert max(map(int, re.findall(r"\d+", ground)[:3])) < 60


def test_without_scripts_everything_can_be_done(board: Served, opened: Opened) -> None:
    with opened(board, None, "/login", java_script_enabled=False) as page:
        page.get_by_label("User name").fill("manager")
        page.get_by_label("Password").fill(PASSWORD)
        page.get_by_role("button", name="Log in").click()
        expect(page.locator("#live")).to_have_text("As of 08:12")
        case = page.locator("#case-cannot-cam11")
        case.get_by_text("Acknowledge").first.click()
        case.get_by_label("What was done, or who will do it?").first.fill("Ordered")
        case.get_by_role("button", name="Save").first.click()
        expect(page.locator("#case-cannot-cam11")).to_contain_text("Ordered")
        page.get_by_role("searchbox").fill("cam07")
        page.get_by_role("button", name="Filter").click()
        expect(page.locator("#fleet tbody tr")).to_have_count(1)


def test_a_page_weighs_little(shared: Served, opened: Opened) -> None:
    with opened(shared, None, "/login") as page:
        token = shared.client(Role.MANAGER).client.cookies["session"]
        page.context.add_cookies([{"name": "session", "value": token, "url": shared.url}])
        answers: list[Response] = []

        def held(route: Route) -> None:
            """The stream is no part of the page, and does not begin."""

        page.route("**/live*", held)
        page.on("response", lambda answer: answers.append(answer))  # noqa: PLW0108
        page.goto("/", wait_until="load")
        weights = {answer.url: len(answer.body()) for answer in answers}
        assert len(weights) >= 3  # the page, its style, its script
        assert 20_000 < sum(weights.values()) <= 150_000
