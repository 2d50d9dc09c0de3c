"""A real Chromium: one for all tests of a run, a fresh profile for each page."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, Page, sync_playwright

_AXE = Path(__file__).parent / "oracles" / "node_modules" / "axe-core" / "axe.min.js"
_RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]


@contextmanager
def chromium() -> Iterator[Browser]:
    """Debian's Chromium without a window."""
    path = shutil.which("chromium")
    assert path, "chromium is missing: make setup-test installs it"
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
        try:
            yield browser
        finally:
            browser.close()


@contextmanager
def page_in(browser: Browser, *, refused: bool = False, **options: Any) -> Iterator[Page]:
    """A page in a profile of its own; whatever it complains of in its console fails the test.

    With `refused`, answers that are errors are part of the test.
    """
    context = browser.new_context(**{"locale": "en", "timezone_id": "Europe/Amsterdam", **options})
    context.set_default_timeout(20_000)
    page = context.new_page()
    said: list[str] = []
    page.on("pageerror", lambda error: said.append(str(error)))
    page.on("console", lambda one: said.append(one.text) if one.type == "error" else None)
    try:
        yield page
    finally:
        context.close()
    if refused:
        said = [one for one in said if "Failed to load resource" not in one]
    assert said == []


def axe(page: Page) -> list[str]:
    """What axe-core finds: each as rule and element."""
    if not page.evaluate("() => 'axe' in window"):
        page.evaluate(_AXE.read_text())
    found = page.evaluate(
        "rules => axe.run(document, {runOnly: rules, resultTypes: ['violations']})", _RULES
    )
    return [
        f"{rule['id']}: {node['target']} {node['failureSummary']}"
        for rule in found["violations"]
        for node in rule["nodes"]
    ]
