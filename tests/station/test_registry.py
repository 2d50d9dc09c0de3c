"""Which keys a station trusts, and that stock ssh-keygen is told the same."""

import subprocess
from pathlib import Path

import pytest

from bodycam.errors import EvidenceError, UsageError
from bodycam.evidence import sshsig
from bodycam.evidence.keys import SoftwareKey
from bodycam_station.files import Folder
from bodycam_station.registry import DeviceKey, Registry, Revocation, read_signers
from recordings import device_key

A, B = device_key("a"), device_key("b", "es256")
STATION = ("utrecht", device_key("station").public)
GONE = Revocation("2026-06-01T10:00:00Z", "C. Jansen", "lost in the canal")


def key(device: str, of: SoftwareKey, revoked: Revocation | None = None) -> DeviceKey:
    return DeviceKey(device, of.public, "software", "2026-01-01T00:00:00Z", revoked)


def test_what_is_saved_is_loaded(tmp_path: Path) -> None:
    registry = Registry()
    registry.add(key("cam07", A))
    assert registry.revoke("cam07", GONE) == key("cam07", A, GONE)
    registry.add(key("cam07", B))
    registry.add(key("cam08", A))
    with Folder(tmp_path) as folder:
        assert Registry.load(folder).devices() == []
        for device in registry.devices():
            registry.save(folder, device, STATION)
        loaded = Registry.load(folder)
    assert loaded.devices() == ["cam07", "cam08"]
    assert loaded.keys("cam07") == (key("cam07", A, GONE), key("cam07", B))
    assert loaded.keys("cam09") == ()


def test_one_key_at_a_time() -> None:
    registry = Registry([key("cam07", A)])
    registry.add(key("cam07", A))
    assert len(registry.keys("cam07")) == 1
    with pytest.raises(UsageError, match="enrolled with another key"):
        registry.add(key("cam07", B))
    registry.revoke("cam07", GONE)
    with pytest.raises(UsageError, match="revoked already"):
        registry.revoke("cam07", GONE)
    with pytest.raises(UsageError, match="was revoked on"):
        registry.add(key("cam07", A))
    with pytest.raises(UsageError, match="No camera cam09"):
        registry.revoke("cam09", GONE)


def test_ssh_keygen_agrees(tmp_path: Path) -> None:
    registry = Registry([key("cam07", A, GONE), key("cam07", B)])
    with Folder(tmp_path) as folder:
        registry.save_signers(folder, STATION)
    signers = tmp_path / "allowed_signers"
    for of, namespace, at, good in (
        (B, "bodycam-recording", "", True),
        (B, "bodycam-receipt", "", False),
        (A, "bodycam-recording", "", False),
        (A, "bodycam-recording", "20260601095959Z", True),
        (A, "bodycam-recording", "20260601100001Z", False),
    ):
        (tmp_path / "sig").write_text(sshsig.sign(of, namespace, b"x"))
        done = subprocess.run(
            ["ssh-keygen", "-Y", "verify", "-f", str(signers), "-I", "cam07", "-n", namespace]
            + (["-O", f"verify-time={at}"] if at else [])
            + ["-s", str(tmp_path / "sig")],
            input=b"x",
            capture_output=True,
        )
        assert (done.returncode == 0) == good, (namespace, at, done.stderr)
    read = read_signers(signers.read_bytes())
    assert [k.public for k in read.keys("cam07")] == [A.public, B.public]
    assert read.keys("cam07")[0].revoked == Revocation(GONE.utc, "", "")
    assert read.devices() == ["cam07"]
    assert read_signers(signers.read_bytes(), "bodycam-export").devices() == ["utrecht"]


GOOD = f"cam07 {A.public.openssh()}"


@pytest.mark.parametrize(
    "line",
    [
        "cam07",
        "*" + GOOD[5:],
        "cam07,cam08" + GOOD[5:],
        GOOD.replace("cam07 ", "cam07 cert-authority "),
        GOOD.replace("cam07 ", 'cam07 valid-after="20260101" '),
        GOOD.replace("AAAA", "AAAB"),
        GOOD + " a comment more",
        "\udcff".encode("utf-8", "surrogateescape").decode("latin-1") + GOOD,
    ],
)
def test_a_line_that_is_not_understood_is_refused(line: str) -> None:
    with pytest.raises(EvidenceError, match="Line 3 of the list of signers"):
        read_signers(f"# a comment\n{GOOD}\n{line}\n".encode())


def test_plain_lines_count_for_every_namespace() -> None:
    assert read_signers(f"\n{GOOD}\n".encode()).keys("cam07")[0].storage == "not stated"


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b"", "not JSON"),
        (b"[]", "not a JSON object"),
        (b"[" * 60_000, "nested too deeply"),
        (b'{"a":' * 10_000, "nested too deeply"),
        (b'{"a":' * 20 + b"1" + b"}" * 20, "nested too deeply"),
        (b"{}" + b" " * 70_000, "longer than"),
        (b'{"v":1,"v":1}', "key twice"),
        (b'{"v":NaN}', "NaN"),
        (b'{"v":2}', "version that this program does not know"),
        (b'{"v":true}', "version"),
        (b'{"v":1,"device":"cam08","keys":[1]}', "not the file of a camera"),
        (b'{"v":1,"device":"cam07","keys":[]}', "not the file of a camera"),
        (b'{"v":1,"device":"cam07","keys":[1]}', "not an object"),
        (b'{"v":1,"device":"cam07","keys":{}}', "not the file of a camera"),
        (b'{"v":1,"device":"cam07","keys":[{"storage":"x"}]}', "neither software nor hardware"),
        (b'{"v":1,"device":"cam07","keys":[{"storage":7}]}', "no proper `storage`"),
        (b'{"v":1,"device":"cam07","keys":[{"storage":"software","revoked":1}]}', "revocation"),
        (b'{"v":1,"device":"cam07","keys":[{"storage":"software","key":"x"}]}', "public key"),
        (b'{"v":1,"device":"\\ud800"}', "not Unicode"),
        (b'{"v":1' + b"0" * 5000 + b"}", "not JSON"),
        (b"\xff\xfe", "not JSON"),
    ],
)
def test_a_damaged_file_is_named(tmp_path: Path, data: bytes, why: str) -> None:
    (tmp_path / "devices").mkdir()
    (tmp_path / "devices/cam07.json").write_bytes(data)
    with Folder(tmp_path) as folder, pytest.raises(EvidenceError, match=f"cam07.json.*{why}|{why}"):
        Registry.load(folder)
