"""docs/hardware.md and its picture."""

import re
import subprocess
import sys

import pytest

from installed import HOUSE

sys.path.append(str(HOUSE))
from tools.make_wiring import draw, wires

TEXT = (HOUSE / "docs/hardware.md").read_text()


def test_the_picture_is_drawn_from_the_table() -> None:
    drawn = draw(wires(TEXT))
    assert (HOUSE / "docs/wiring.svg").read_text() == drawn, "run python tools/make_wiring.py"


def test_every_gpio_is_used_once() -> None:
    used = [wire.gpio for wire in wires(TEXT) if wire.gpio is not None]
    assert len(used) == len(set(used))


def test_the_table_has_the_pins_of_the_default_configuration() -> None:
    shown = {wire.key: wire.gpio for wire in wires(TEXT) if wire.key}
    config, section = {}, ""
    for line in (HOUSE / "config/bodycam.toml").read_text().splitlines():
        if line.startswith("["):
            section = line.strip("[]")
        elif match := re.match(r"(\w*pin) = (-?\d+)(?:.*docs/hardware\.md: (\d+))?", line):
            # Where a part is not fitted by default, its comment names the pin of the picture.
            config[f"{section}.{match[1]}"] = int(match[3] or match[2])
    unused = {key for key, pin in config.items() if pin == -1}
    assert unused == {"lights.amber_pin"}
    assert shown == {key: pin for key, pin in config.items() if key not in unused}


@pytest.mark.parametrize(
    ("right", "wrong", "says"),
    [
        ("| 17 | 11 |", "| 17 | 12 |", "button RECORD, contact: pin 12 is 18."),
        ("| 17 | 11 |", "| 17 | 9 |", "button RECORD, contact: pin 9 is ground."),
        ("fuel gauge | 3.3 V | | 1 |", "fuel gauge | 3.3 V | | 2 |", "pin 2 is 5 V."),
    ],
)
def test_a_wire_to_another_pin_is_noticed(right: str, wrong: str, says: str) -> None:
    assert right in TEXT
    with pytest.raises(ValueError, match=re.escape(says)):
        wires(TEXT.replace(right, wrong))


def test_each_change_of_the_system_that_is_described_is_made() -> None:
    script = (HOUSE / "tools/install.sh").read_text()
    for named in ("swap.target", "dphys-swapfile.service", "cgroup_enable=memory"):
        assert named in TEXT
        assert named in script
    help_text = subprocess.run(
        ["make", "-s", "help"], cwd=HOUSE, capture_output=True, text=True
    ).stdout
    assert "make install" in help_text
    assert "make uninstall" in help_text
