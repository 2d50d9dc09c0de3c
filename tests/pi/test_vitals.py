"""What the kernel tells in /sys, and in /proc, or does not tell."""

from pathlib import Path

import pytest

from bodycam.errors import DeviceError
from bodycam.pi.radio import Radio
from bodycam.pi.vitals import CardWear, Supply, Temperature


def lay(root: Path, files: dict[str, str]) -> Path:
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    return root


ZONE = "class/thermal/thermal_zone0"


def test_heat_has_hysteresis(tmp_path: Path) -> None:
    thermometer = Temperature(80, lay(tmp_path, {f"{ZONE}/type": "cpu-thermal\n"}))
    seen = []
    for millidegrees in (79_400, 80_100, 76_000, 75_400, 74_000, 76_000):
        lay(tmp_path, {f"{ZONE}/temp": f"{millidegrees}\n"})
        seen.append(thermometer.read().faults["too-hot"])
    assert seen == [False, True, True, True, False, False]
    assert thermometer.read().values == {"temperature_c": 76}


@pytest.mark.parametrize("text", ["", "warm", "999000", "-274000"])
def test_a_thermometer_that_says_nonsense_is_an_error(tmp_path: Path, text: str) -> None:
    lay(tmp_path, {f"{ZONE}/type": "cpu-thermal", f"{ZONE}/temp": text})
    with pytest.raises(DeviceError, match="thermal_zone0"):
        Temperature(80, tmp_path).read()


THROTTLED = "devices/platform/soc/soc:firmware/get_throttled"


@pytest.mark.parametrize(
    ("bits", "weak", "slowed"),
    [
        ("0", False, False),
        ("50000", False, False),  # it has been, and is no more
        ("50005", True, True),
        ("1", True, False),
        ("2", False, True),
        ("8", False, True),
    ],
)
def test_the_firmware_s_bits_say_what_is_so_now(
    tmp_path: Path, bits: str, weak: bool, slowed: bool
) -> None:
    found = Supply(lay(tmp_path, {THROTTLED: bits + "\n"})).read()
    assert (found.values, found.faults) == ({"throttled": slowed}, {"power-weak": weak})


@pytest.mark.parametrize("alarm", [0, 1])
def test_under_voltage_is_also_a_monitor_s(tmp_path: Path, alarm: int) -> None:
    files = {
        "class/hwmon/hwmon0/name": "cpu_thermal\n",
        "class/hwmon/hwmon1/name": "rpi_volt\n",
        "class/hwmon/hwmon1/in0_lcrit_alarm": f"{alarm}\n",
    }
    found = Supply(lay(tmp_path, files)).read()
    assert (found.values, found.faults) == ({}, {"power-weak": bool(alarm)})


LIFE, RESERVE = "block/mmcblk0/device/life_time", "block/mmcblk0/device/pre_eol_info"


@pytest.mark.parametrize(
    ("files", "percent", "worn"),
    [
        ({LIFE: "0x01 0x03\n", RESERVE: "0x01\n"}, 30, False),
        ({LIFE: "0x0a 0x01\n"}, 100, True),
        ({LIFE: "0x0b 0x0b\n", RESERVE: "0x03\n"}, 100, True),
        ({LIFE: "0x01 0x01\n", RESERVE: "0x02\n"}, 10, True),
    ],
)
def test_a_card_says_how_worn_it_is(
    tmp_path: Path, files: dict[str, str], percent: int, worn: bool
) -> None:
    found = CardWear(sys=lay(tmp_path, files)).read()
    assert found.values == {"card_worn_percent": percent}
    assert found.faults == {"card-worn": worn}


@pytest.mark.parametrize("files", [{}, {LIFE: "0x00 0x00"}, {LIFE: "good"}, {LIFE: ""}])
def test_most_cards_say_nothing(tmp_path: Path, files: dict[str, str]) -> None:
    with pytest.raises(DeviceError):
        CardWear(sys=lay(tmp_path, files)).read()


def test_what_is_absent_is_an_error(tmp_path: Path) -> None:
    for reader in (Temperature(80, tmp_path), Supply(tmp_path), Radio(wireless=tmp_path / "no")):
        with pytest.raises(DeviceError):
            reader.read()


WIRELESS = """Inter-| sta-|   Quality        |   Discarded packets               | Missed | WE
 face | tus | link level noise |  nwid  crypt   frag  retry   misc | beacon | 22
 wlan0: 0000   54.  {level}  -256        0      0      0      0      0        0
"""


@pytest.mark.parametrize(
    ("level", "values"),
    [("-56.", {"radio_dbm": -56}), ("nan", {}), ("200.", {}), ("-500.", {})],
)
def test_the_radio_says_how_well_it_hears(
    tmp_path: Path, level: str, values: dict[str, int]
) -> None:
    lay(tmp_path, {"wireless": WIRELESS.format(level=level)})
    assert Radio(wireless=tmp_path / "wireless").read().values == values
    assert Radio("wlan1", tmp_path / "wireless").read().values == {}
