"""Every reader of bytes that somebody else may have written, and what it promises of any bytes.

A target takes any bytes. It may refuse them with the errors that its reader names; any other
exception is a finding, and so is an assertion about what was read. `make fuzz` searches with
coverage, `make test` replays the seeds and what was found, each a little spoilt.
"""

import io
import json
import random
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from bodycam.config import Config
from bodycam.errors import ConfigError, EvidenceError, MessageError, SealError, StreamError
from bodycam.evidence import bech32, desired, enrolment, receipts, sshsig
from bodycam.evidence.age import Sealer
from bodycam.evidence.journal import Journal, read_journal
from bodycam.evidence.keys import PublicKey, SoftwareKey
from bodycam.evidence.ledger import read_ledger
from bodycam.evidence.lines import TAIL_BYTES, Line, decode, encode, split
from bodycam.media import h264
from bodycam.media.fmp4 import Fmp4Muxer, SoundFormat
from bodycam.media.packets import Gop, Packet, Track
from bodycam.messages.camera import Event, Info, Result, State, Status
from bodycam.messages.commands import COMMANDS
from bodycam.messages.local import Ask
from bodycam.messages.topics import TOPICS, read_topic
from bodycam.rules.policy import read_policy
from bodycam.rules.settings import load
from bodycam_station import documents, identities
from bodycam_station.age_reader import HybridIdentity, X25519Identity, open_sealed
from bodycam_station.registry import read_signers
from streams import FRAME_NS, film, hum

HOUSE = Path(__file__).parents[2]
CORPUS = Path(__file__).parent / "corpus"
"""CORPUS/<target>/…: inputs that were findings once, and those that reach furthest."""
VECTORS = HOUSE / "tests/vectors"
MAX_BYTES = 64 * 1024
"""Longer inputs say nothing that shorter ones do not, and take longer."""

_KEY = SoftwareKey.from_seed(b"k" * 32)
_IDENTITIES = (X25519Identity(b"i" * 32), HybridIdentity(b"h" * 32))


@dataclass(frozen=True)
class Target:
    """A reader under test."""

    name: str
    take: Callable[[bytes], None]
    refuses: tuple[type[Exception], ...]
    """What it may raise."""
    made: Callable[[], Iterable[bytes]]
    """Good inputs to begin with."""

    def run(self, data: bytes) -> bool:
        """Whether the reader took it; AssertionError or anything unforeseen is a finding."""
        try:
            self.take(data)
        except self.refuses:
            return False
        return True

    def seeds(self) -> Iterator[bytes]:
        """Good inputs, then those of the corpus."""
        yield from self.made()
        folder = CORPUS / self.name
        for path in sorted(folder.iterdir()) if folder.is_dir() else ():
            yield path.read_bytes()


def spoilt(data: bytes, chance: random.Random, edits: int = 3) -> bytes:
    """The bytes with a few of them changed, cut, doubled or put elsewhere."""
    out = bytearray(data)
    for _ in range(chance.randint(1, edits)):
        at = chance.randrange(len(out) + 1)
        end = min(len(out), at + chance.choice((1, 1, 2, 4, 16, 64)))
        what = chance.randrange(6)
        if what == 0:
            out[at:end] = chance.randbytes(end - at)
        elif what == 1:
            del out[at:end]
        elif what == 2:
            out[at:at] = out[at:end]
        elif what == 3:
            out[at:at] = chance.choice((b"\0", b"\n", b'"', b"{", b"\0\0\1", b"\xff", b" ", b"-"))
        elif what == 4:
            del out[at:]
        elif at < end:
            out[at] ^= 1 << chance.randrange(8)
    return bytes(out)


# ---- evidence ------------------------------------------------------------------------------------


def _line(data: bytes) -> None:
    line = Line.parse(data)
    assert line.signed + data.removesuffix(b"\n")[1 - TAIL_BYTES :] == data.removesuffix(b"\n")
    assert encode(decode(data.removesuffix(b"\n"))) == data.removesuffix(b"\n")


def _ledger(data: bytes) -> None:
    rec = "cam07-000001-00000000"
    for raw in split([data[:MAX_BYTES]]):
        fields = Line.parse(raw).fields
        rec = str(fields.get("rec", rec))
        break
    reading = read_ledger(data, rec=rec, device_key=None)
    assert reading.valid_bytes <= len(data)
    good = read_ledger(data[: reading.valid_bytes], rec=rec, device_key=None)
    assert (good.objects, good.head, good.end) == (reading.objects, reading.head, reading.end)
    assert good.problem is None
    assert reading.problem is not None or reading.valid_bytes == len(data)


def _journal(data: bytes) -> None:
    reading = read_journal(data, dev="cam07", key=None)
    assert reading.valid_bytes <= len(data)
    good = read_journal(data[: reading.valid_bytes], dev="cam07", key=None)
    assert (good.entries, good.head, good.problem) == (reading.entries, reading.head, None)


def _sealed(data: bytes) -> None:
    pieces = list(open_sealed(io.BytesIO(data), _IDENTITIES))
    assert all(pieces)


def _request(data: bytes) -> None:
    request = enrolment.read_request(data)
    assert enrolment.STORAGES.index(request.storage) >= 0


def _bundle(data: bytes) -> None:
    bundle = enrolment.read_bundle(data)
    assert len(bundle.recipients) > 1


def _desired(data: bytes) -> None:
    """The line alone: signed here, so that what is behind the signature is reached."""
    line = data.partition(b"\n")[0] + b"\n"
    signed = line + sshsig.sign(_KEY, desired.NAMESPACE, line).encode()
    read = desired.read_desired(signed, _KEY.public, "cam07")
    assert desired.sign_desired(read, _KEY) == signed


def _ask(data: bytes) -> None:
    ask = Ask.decode(data)
    assert Ask.decode(ask.encode()) == ask


def _receipt(data: bytes) -> None:
    assert receipts.Receipt.decode(data).encode() == data


def _signature(data: bytes) -> None:
    sshsig.verify(data, _KEY.public, "bodycam-receipt", b"message")
    assert data.decode() == sshsig.sign(_KEY, "bodycam-receipt", b"message")


def _bech32(data: bytes) -> None:
    text = data.decode("latin-1")
    hrp, payload = bech32.decode(text)
    assert bech32.encode(hrp, payload) == text


def _openssh_key(data: bytes) -> None:
    key = PublicKey.from_openssh(data.decode("latin-1"))
    assert PublicKey.from_openssh(key.openssh()) == key
    assert key.openssh().split(" ")[1] in data.decode("latin-1").split()


# ---- the encoder ---------------------------------------------------------------------------------


def _annex_b(data: bytes) -> None:
    whole = h264.split(data, whole=True)
    quick = h264.split(data, whole=False)
    places = [0, *(place for one in whole.slices for place in one), len(data)]
    assert places == sorted(places)
    assert all(begin <= end <= len(data) for begin, end in quick.slices)
    h264.parameter_sets([data])


def _gop(data: bytes) -> None:
    """Bytes as two GOPs: lengths of two bytes, the times from the bytes too."""
    pictures: list[Packet] = []
    sound: list[Packet] = []
    at, t_ns = 0, 1_000_000_000
    while at + 4 <= len(data) and len(pictures) < 64:
        size, step, what = int.from_bytes(data[at : at + 2]), data[at + 2], data[at + 3]
        t_ns += (step - 8) * FRAME_NS // 8
        piece = data[at + 4 : at + 4 + size]
        if what & 2:
            sound.append(Packet(Track.SOUND, max(t_ns, 0), piece))
        else:
            pictures.append(Packet(Track.VIDEO, max(t_ns, 0), piece, bool(what & 1)))
        at += 4 + size
    if not pictures:
        raise StreamError("no picture")
    gop = Gop(tuple(pictures), tuple(sound), t_ns + FRAME_NS)
    muxer = Fmp4Muxer(frame_ns=FRAME_NS, sound=SoundFormat(48_000, 1))
    _boxes(muxer.init(gop))
    for _ in range(2):
        _boxes(b"".join(bytes(part) for part in muxer.segment(gop)))


def _boxes(data: bytes) -> None:
    """Boxes follow one another without a gap to the end."""
    at = 0
    while at < len(data):
        size = int.from_bytes(data[at : at + 4])
        assert size >= 8
        assert data[at + 4 : at + 8].isalnum()
        at += size
    assert at == len(data)


def _packed(packets: Sequence[Packet]) -> bytes:
    parts = []
    for packet in packets:
        flags = (2 if packet.track is Track.SOUND else 0) | packet.key
        parts.append(len(packet.data).to_bytes(2) + bytes([16, flags]) + packet.data)
    return b"".join(parts)


# ---- files of settings ---------------------------------------------------------------------------


def _policy(data: bytes) -> None:
    policy = read_policy(data, "policy.toml")
    assert policy.budget_bytes > 0


def _config(data: bytes) -> None:
    config = load(Config, data, "bodycam.toml")
    assert config.device.id


# ---- the network, the station --------------------------------------------------------------------

_SPOKEN = {"state": State, "info": Info, "status": Status, "event": Event, "res": Result}


def _message(data: bytes) -> None:
    """The topic, a newline, the payload."""
    topic, _, payload = data.partition(b"\n")
    address = read_topic(topic.decode("latin-1"))
    leaf = f"cmd/{address.name}" if address.leaf == "cmd" else address.leaf
    row = TOPICS.get(leaf)
    if row is None or row.form is None:
        raise MessageError("no form")
    message = row.form.decode(payload)
    assert row.form.decode(message.encode()) == message
    json.loads(message.encode())


def _document(data: bytes) -> None:
    fields = documents.parse(data, "It")
    assert documents.parse(documents.encode(fields), "It", limit=10 * MAX_BYTES) == fields


def _signers(data: bytes) -> None:
    for device in read_signers(data).devices():
        assert device


def _identities(data: bytes) -> None:
    assert identities.parse_identities(data)


def _files(*patterns: str) -> Callable[[], Iterable[bytes]]:
    def read() -> Iterable[bytes]:
        for pattern in patterns:
            for path in sorted(HOUSE.glob(pattern)):
                data = path.read_bytes()
                if len(data) <= MAX_BYTES:
                    yield data

    return read


def _made_lines() -> Iterable[bytes]:
    for data in _files("tests/vectors/*/ledger.jsonl")():
        yield from data.splitlines(keepends=True)[:3]


def _made_journals() -> Iterable[bytes]:
    journal = Journal("cam07", _KEY, "b1")
    rec = "cam07-000001-00000000"
    yield b"".join(
        (
            journal.line("boot", 1, b"sealed"),
            journal.line("open", 2, b"sealed", rec=rec),
            journal.line("close", 3, b"sealed", rec=rec, head="1" * 64),
        )
    )


def _made_sealed() -> Iterable[bytes]:
    for identity in _IDENTITIES:
        sealer = Sealer([identity.recipient], lambda n: bytes(range(n)))
        yield bytes(sealer.seal([b""]))
        yield bytes(sealer.seal([b"footage" * 10]))


def _made_requests() -> Iterable[bytes]:
    yield enrolment.make_request("cam07", _KEY, "software")


def _made_bundles() -> Iterable[bytes]:
    request = enrolment.read_request(enrolment.make_request("cam07", _KEY, "software"))
    sealed_to = [X25519Identity(bytes([n]) * 32).recipient for n in (1, 2)]
    yield enrolment.make_bundle(request, "utrecht", _KEY, sealed_to)


def _made_desired() -> Iterable[bytes]:
    sealed_to = tuple(sorted(X25519Identity(bytes([n]) * 32).recipient for n in (1, 2)))
    yield desired.Desired("utrecht", "cam07", 3, b"[warning]", sealed_to).line()


def _made_asks() -> Iterable[bytes]:
    yield Ask("c1", "locate", 10).encode()
    yield Ask("c1", "look", file="desired").encode()


def _made_receipts() -> Iterable[bytes]:
    yield receipts.Receipt(
        "utrecht", "cam07", "cam07-000001-00000000", "0" * 64, 3, 1000, "ok"
    ).encode()


def _made_signatures() -> Iterable[bytes]:
    yield sshsig.sign(_KEY, "bodycam-receipt", b"message").encode()


def _made_bech32() -> Iterable[bytes]:
    yield from (identity.recipient.encode() for identity in _IDENTITIES)


def _made_keys() -> Iterable[bytes]:
    yield _KEY.public.openssh().encode()
    yield SoftwareKey.from_seed(b"k" * 32, "es256").public.openssh().encode()


def _made_pictures() -> Iterable[bytes]:
    yield from (packet.data for packet in film("IPI", width=64, height=36))
    yield from (packet.data for packet in film("IP", width=64, height=36, x264="slices=2:aud=1"))


def _made_gops() -> Iterable[bytes]:
    pictures = film("IPP", width=64, height=36)
    yield _packed(pictures)
    yield _packed([*pictures, *hum(0.1)])


def _made_messages() -> Iterable[bytes]:
    values = {"array": [], "boolean": False, "string": "", "integer": 1}
    for leaf, row in TOPICS.items():
        if row.form is None:
            continue
        fields = {}
        for name, form in row.form.schema()["properties"].items():
            value = form.get("enum", [values.get(form.get("type", ""))])[0]
            fields[name] = "0" * 64 if "{64}" in form.get("pattern", "") else value
            if form.get("pattern", "").startswith("^(?:[a-z0-9-]{1,64}"):
                fields[name] = "a1"
        name = "/c1" if leaf == "res" else ""
        yield f"bodycam/v1/cam07/{leaf}{name}\n".encode() + json.dumps(fields).encode()
    assert set(_SPOKEN) | {f"cmd/{name}" for name in COMMANDS} | {"desired"} == set(TOPICS)


def _made_documents() -> Iterable[bytes]:
    yield b'{"v":1,"device":"cam07","keys":[{"key":"x","revoked":null}],"n":[1,2.5,true]}\n'


def _made_signers() -> Iterable[bytes]:
    yield (VECTORS / "allowed_signers").read_bytes()


def _made_identities() -> Iterable[bytes]:
    yield (VECTORS / "identity.txt").read_bytes()


TARGETS = {
    target.name: target
    for target in (
        Target("line", _line, (EvidenceError,), _made_lines),
        Target("ledger", _ledger, (EvidenceError,), _files("tests/vectors/*/ledger.jsonl")),
        Target("journal", _journal, (), _made_journals),
        Target("sealed", _sealed, (SealError,), _made_sealed),
        Target("request", _request, (EvidenceError,), _made_requests),
        Target("bundle", _bundle, (EvidenceError,), _made_bundles),
        Target("desired", _desired, (EvidenceError,), _made_desired),
        Target("ask", _ask, (MessageError,), _made_asks),
        Target("receipt", _receipt, (EvidenceError,), _made_receipts),
        Target("signature", _signature, (EvidenceError,), _made_signatures),
        Target("bech32", _bech32, (EvidenceError,), _made_bech32),
        Target("openssh-key", _openssh_key, (EvidenceError,), _made_keys),
        Target("annex-b", _annex_b, (StreamError,), _made_pictures),
        Target("gop", _gop, (StreamError,), _made_gops),
        Target("policy", _policy, (ConfigError,), _files("config/policies/*.toml")),
        Target("config", _config, (ConfigError,), _files("config/bodycam.toml")),
        Target("message", _message, (MessageError,), _made_messages),
        Target("document", _document, (EvidenceError,), _made_documents),
        Target("signers", _signers, (EvidenceError,), _made_signers),
        Target("identities", _identities, (ConfigError,), _made_identities),
    )
}
"""By name."""
