"""What a policy means to the parts of the recorder, and how the parts are put together."""

from dataclasses import dataclass

from bodycam.errors import ConfigError
from bodycam.evidence.age import Sealer
from bodycam.evidence.keys import PublicKey, SigningKey
from bodycam.media.fmp4 import SoundFormat
from bodycam.media.packets import SECOND
from bodycam.ports import Card, Clock, Random
from bodycam.recorder.body_memory import MemoryKeeper
from bodycam.recorder.card_journal import FOLDER, CardJournal
from bodycam.recorder.clearance import Clearance
from bodycam.recorder.recovery import Found, recover
from bodycam.recorder.vault import RESERVE_BYTES, Identity, Vault
from bodycam.recorder.writer import BATCH_GOPS, Format
from bodycam.rules.policy import Policy

SOUND = SoundFormat(48_000, 1)
SOUND_KBPS = 64


@dataclass(frozen=True, slots=True)
class Owner:
    """Whose camera it is: what enrolment gave it."""

    device: str
    key: SigningKey
    recipients: tuple[str, ...]
    """Who can open its recordings: the station and the offline escrow, at least."""
    wearer: str = ""
    """A token for the one who wears it; never a name."""
    station_key: PublicKey | None = None
    """Signs the receipts that let recordings go; without it none ever does."""
    config_version: int = 0
    """Of the station's configuration that is in force; 0: as enrolled."""


def nominal_bytes(policy: Policy, span_ns: int) -> int:
    """What footage of this length takes at the policy's bitrate."""
    kbps = policy.video.bitrate_kbps + (SOUND_KBPS if policy.sound.recorded else 0)
    return kbps * 125 * span_ns // SECOND


def reserve_bytes(policy: Policy) -> int:
    """What is left of the card when footage is refused: room for a batch, closing, the journal.

    A batch may be twice as large as it ought to be: GOPs that lack their keyframe, a lively street.
    """
    batch_ns = 2 * BATCH_GOPS * policy.keyframe_interval_ns
    return max(RESERVE_BYTES, RESERVE_BYTES // 2 + nominal_bytes(policy, batch_ns))


def media_format(policy: Policy) -> Format:
    """What the policy says to the muxer."""
    sound = SOUND if policy.sound.recorded else None
    return Format(policy.frame_ns, sound, nominal_bytes(policy, 60 * SECOND))


def make_sealer(policy: Policy, owner: Owner, random: Random) -> Sealer:
    """What seals as the policy asks; a trial shows that the library here can.

    Raises ConfigError where the owner's keys are of another kind, SealError where none can be used:
    a camera that cannot seal as it should does not start, and never seals in a weaker way.
    """
    sealer = Sealer(owner.recipients, random)
    if sealer.kind != policy.sealing.kind:
        raise ConfigError(
            f"The policy {policy.name} asks for {policy.sealing.kind} keys, and this camera was "
            f"enrolled with {sealer.kind} keys.",
            do=f"Enrol it with a station that has {policy.sealing.kind} keys, or change "
            "sealing.kind.",
        )
    sealer.seal([b"trial"])
    return sealer


def open_vault(
    card: Card,
    policy: Policy,
    owner: Owner,
    *,
    clock: Clock,
    random: Random,
    boot: str,
    memory: MemoryKeeper | None = None,
    doubted: bool = False,
) -> tuple[Vault, list[Found]]:
    """Continue the journal, recover what a power cut left, and give the vault.

    The journal is held against the body's `memory` before anything is written to it. `doubted`:
    this card failed a moment ago, and may not hold all that can be read from it. Raises CardError,
    and what `make_sealer` raises before anything is written.
    """
    sealer = make_sealer(policy, owner, random)
    card.make_folder(FOLDER)
    journal = CardJournal(
        card, device=owner.device, key=owner.key, sealer=sealer, clock=clock, boot=boot
    )
    if doubted:
        journal.doubt()
    if memory is not None:
        memory.hold_against(journal)
    if journal.set_aside:
        journal.write("journal-cut", {"why": journal.set_aside})
    found = recover(card, journal, owner.key)
    identity = Identity(
        owner.device,
        owner.key,
        policy.name,
        policy.sha256,
        policy.lead_ns // 1_000_000,
        owner.wearer,
    )
    clearance = Clearance(
        card,
        journal,
        clock,
        station_key=owner.station_key,
        keep_ns=policy.keep.acknowledged_for_h * 3600 * SECOND,
    )
    vault = Vault(
        card,
        journal,
        identity,
        sealer=sealer,
        random=random,
        clock=clock,
        clearance=clearance,
        reserve_bytes=reserve_bytes(policy),
    )
    return vault, found
