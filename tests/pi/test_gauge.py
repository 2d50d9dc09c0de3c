"""The fuel gauge: what it says, and what it cannot mean."""

import pytest

from bodycam.errors import DeviceError
from bodycam.pi.gauge import ADDRESS, Gauge
from bodycam.pi.i2c import I2c
from pi.chips import Max17048, on_bus


def test_charge_and_voltage_are_read() -> None:
    bus, _ = on_bus({ADDRESS: Max17048(63.4, 3870)})
    gauge = Gauge(bus)
    assert gauge.read().values == {}  # one reading is no reading
    assert gauge.read().values == {"battery_percent": 63, "battery_mv": 3870}


def test_a_little_over_full_is_full() -> None:
    bus, _ = on_bus({ADDRESS: Max17048(103.9, 4190)})
    gauge = Gauge(bus)
    gauge.read()
    assert gauge.read().values["battery_percent"] == 100


@pytest.mark.parametrize(
    ("percent", "millivolts"),
    [(255.99, 3900), (50, 5119), (50, 0), (50, 1000), (0, 3950), (4.9, 4200), (116, 4100)],
)
def test_what_cannot_be_is_an_error(percent: float, millivolts: float) -> None:
    bus, _ = on_bus({ADDRESS: Max17048(percent, millivolts)})
    with pytest.raises(DeviceError, match="nonsense"):
        Gauge(bus).read()


@pytest.mark.parametrize("version", [0x0000, 0xFFFF])
def test_a_bus_that_is_held_low_or_floats_is_no_gauge(version: int) -> None:
    chip = Max17048()
    chip.registers[0x08] = version
    bus, _ = on_bus({ADDRESS: chip})
    with pytest.raises(DeviceError, match="nonsense"):
        Gauge(bus).read()


def test_a_sudden_change_must_be_read_twice() -> None:
    chip = Max17048(60, 3850)
    bus, _ = on_bus({ADDRESS: chip})
    gauge = Gauge(bus)
    gauge.read()
    gauge.read()
    chip.set(3, 3700)
    assert gauge.read().values == {}
    chip.set(59, 3850)
    assert gauge.read().values == {}
    assert gauge.read().values["battery_percent"] == 59
    chip.set(3, 3300)
    gauge.read()
    assert gauge.read().values["battery_percent"] == 3


def test_a_reading_after_nonsense_starts_anew() -> None:
    chip = Max17048(60, 3850)
    bus, _ = on_bus({ADDRESS: chip})
    gauge = Gauge(bus)
    gauge.read()
    chip.set(60, 0)
    with pytest.raises(DeviceError):
        gauge.read()
    chip.set(60, 3850)
    assert gauge.read().values == {}


def test_an_error_of_the_bus_names_bus_and_chip_and_opens_it_again() -> None:
    bus, wires = on_bus({ADDRESS: Max17048()})
    gauge = Gauge(bus)
    wires.broken = TimeoutError(110, "Connection timed out")
    with pytest.raises(DeviceError, match=r"I2C bus 1, address 0x36: .*timed out"):
        gauge.read()
    wires.broken = None
    gauge.read()
    assert wires.opened == 2
    bus.close()
    gauge.read()
    assert wires.opened == 3


def test_an_absent_gauge_is_an_error() -> None:
    bus, _ = on_bus({})
    with pytest.raises(DeviceError, match=r"0x36: .*Remote I/O error"):
        Gauge(bus).read()


def test_an_absent_bus_is_an_error() -> None:
    with pytest.raises(DeviceError, match=r"I2C bus 97, .* No such file.* power\.i2c_bus"):
        I2c(97).transfer(ADDRESS, b"\0", 2)
