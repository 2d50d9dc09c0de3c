"""`make screenshots`: the board as it looks, into docs/screenshots/.

A real browser looks at the real board over a fleet that tools/seeded.py has told of its night.
Where Debian's fonts-inter is installed the pictures are set in it; else in the machine's own font.
"""

import os
import shutil
import socket
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from playwright.sync_api import Browser, sync_playwright
from tools.seeded import NOW_MS, PASSWORD, seeded

from bodycam_station.board.accounts import Accounts
from bodycam_station.board.app import make_app
from bodycam_station.board.audit import Audit
from bodycam_station.board.frame import Board, Settings
from bodycam_station.board.live import Hub
from bodycam_station.board.server import Server, listening

OUT = Path(__file__).parents[1] / "docs" / "screenshots"
MOST_BYTES = 200 * 1024
_FONTS = """\
<?xml version="1.0"?><!DOCTYPE fontconfig SYSTEM "fonts.dtd">
<fontconfig><include>/etc/fonts/fonts.conf</include>
<match target="pattern"><test name="family" compare="contains"><string>sans</string></test>
<edit name="family" mode="prepend" binding="strong"><string>Inter</string></edit></match>
<match target="pattern"><test name="family"><string>system-ui</string></test>
<edit name="family" mode="prepend" binding="strong"><string>Inter</string></edit></match>
</fontconfig>
"""


@dataclass(frozen=True, slots=True)
class Shot:
    """A picture."""

    name: str
    path: str
    width: int
    height: int
    colours: str
    language: str
    role: str = "manager"
    scale: float = 1.0


SHOTS = (
    Shot("morning-light", "/", 1280, 900, "light", "en"),
    Shot("morning-dark", "/", 1280, 900, "dark", "nl"),
    Shot("phone-light", "/", 390, 844, "light", "nl", scale=1.5),
    Shot("phone-dark", "/cameras/cam18", 390, 844, "dark", "en", scale=1.5),
    Shot("camera", "/cameras/cam18", 1280, 1280, "light", "en"),
    Shot("fleet", "/?look=tiles#fleet", 1280, 900, "light", "nl"),
)


def main() -> int:
    """Make them all; its exit code."""
    chromium = shutil.which("chromium")
    if chromium is None:
        print("screenshots: chromium is missing. Install Debian's chromium.", file=sys.stderr)
        return 1
    OUT.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder, _served(Path(folder)) as url:
        fonts = Path(folder) / "fonts.conf"
        fonts.write_text(_FONTS)
        environment = {**os.environ, "FONTCONFIG_FILE": str(fonts)}
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(
                executable_path=chromium, args=["--no-sandbox"], env={**environment}
            )
            too_great = [shot.name for shot in SHOTS if _take(browser, url, shot) > MOST_BYTES]
            browser.close()
    if too_great:
        print(f"screenshots: over {MOST_BYTES} bytes: {', '.join(too_great)}", file=sys.stderr)
    return 1 if too_great else 0


def _take(browser: Browser, url: str, shot: Shot) -> int:
    """Make one; its size in bytes."""
    options: dict[str, Any] = {
        "viewport": {"width": shot.width, "height": shot.height},
        "color_scheme": shot.colours,
        "locale": shot.language,
        "device_scale_factor": shot.scale,
        "reduced_motion": "reduce",
    }
    context = browser.new_context(**options)
    page = context.new_page()
    page.goto(f"{url}/login")
    page.fill("#name", shot.role)
    page.fill("#password", PASSWORD)
    page.click("main form button")
    page.goto(url + shot.path)
    page.wait_for_selector("#live.on")
    out = OUT / f"{shot.name}.png"
    page.screenshot(path=out)
    context.close()
    size = out.stat().st_size
    print(f"{out.relative_to(OUT.parents[1])}  {size // 1024} KiB")
    return size


@contextmanager
def _served(folder: Path) -> Iterator[str]:
    with seeded(folder / "station") as fleet, socket.create_server(("127.0.0.1", 0)) as sock:
        settings = Settings("utrecht", ZoneInfo("Europe/Amsterdam"))
        accounts, audit = Accounts(fleet.store), Audit(fleet.store)
        hub = Hub(fleet)
        server = Server(make_app(Board(settings, fleet, accounts, audit, lambda: NOW_MS), hub), hub)
        thread = threading.Thread(target=server.run, args=([sock],), name="board")
        thread.start()
        try:
            if not listening(server, 30):
                raise RuntimeError("the board does not come up")
            yield f"http://127.0.0.1:{sock.getsockname()[1]}"
        finally:
            server.should_exit = True
            thread.join()


if __name__ == "__main__":
    sys.exit(main())
