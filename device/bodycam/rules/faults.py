"""What can be wrong: one row a fault. Faults guard transitions; they are not states."""

from dataclasses import dataclass

from bodycam.rules.cues import Feel
from bodycam.rules.events import Fault, Output


@dataclass(frozen=True, slots=True)
class Row:
    """What a fault means."""

    says: str
    """For the journal and the fleet manager."""
    speech_en: str
    """For the wearer, at the dock."""
    speech_nl: str
    bars: bool = False
    """Nothing can be recorded onto the card while it lasts."""
    blind: bool = False
    """No picture arrives while it lasts."""
    amber: bool = False
    """The light shows that something is wrong while nothing is being kept."""
    unfit: bool = False
    """With it the test in the dock fails: it would keep the camera from recording or warning."""
    feel: Feel | None = Feel.FAULT
    """What the wearer feels when it is raised; None: only the journal tells."""
    every_time: bool = False
    """It is told whenever it happens, also while it lasts already."""


FAULTS: dict[Fault, Row] = {
    Fault.CAMERA_STALLED: Row(
        "The camera delivers no pictures.",
        "The camera does not work.",
        "De camera werkt niet.",
        blind=True,
        amber=True,
        unfit=True,
    ),
    Fault.NO_ROOM: Row(
        "There is no room for footage on the card.",
        "The card is full.",
        "De kaart is vol.",
        bars=True,
        amber=True,
        unfit=True,
    ),
    Fault.CARD_FAILED: Row(
        "The card refuses to be written.",
        "The card does not work.",
        "De kaart werkt niet.",
        bars=True,
        amber=True,
        unfit=True,
    ),
    Fault.CARD_STUCK: Row(
        "The card has not answered for 5 seconds; footage is held in memory.",
        "The card is slow.",
        "De kaart is traag.",
    ),
    Fault.FOOTAGE_DROPPED: Row(
        "Footage was dropped because the card could not take it in time.",
        "Footage was lost.",
        "Er zijn beelden verloren gegaan.",
        feel=Feel.NOT_RECORDING,
    ),
    Fault.SOUND_LOST: Row(
        "The microphone delivers no sound.",
        "The microphone does not work.",
        "De microfoon werkt niet.",
    ),
    Fault.SPEAKER_DEAD: Row(
        "The speaker did not give the warning.",
        "The speaker does not work.",
        "De luidspreker werkt niet.",
        unfit=True,
    ),
    Fault.BUZZER_DEAD: Row(
        "The buzzer did not give the warning.",
        "The buzzer does not work.",
        "De zoemer werkt niet.",
    ),
    Fault.LIGHT_DEAD: Row(
        "The light did not give the warning.",
        "The light does not work.",
        "Het lampje werkt niet.",
        unfit=True,
    ),
    Fault.WARNING_FAILED: Row(
        "No output could give the warning.",
        "The warning could not be given.",
        "De waarschuwing kon niet worden gegeven.",
        amber=True,
        unfit=True,
        every_time=True,
    ),
    Fault.BUTTON_STUCK: Row(
        "A button has been closed for 30 seconds.",
        "The button is stuck.",
        "De knop zit vast.",
        amber=True,
        unfit=True,
    ),
    Fault.CLOCK_UNSYNCHRONISED: Row(
        "The clock is not synchronised.",
        "The clock is not set.",
        "De klok is niet gelijk gezet.",
        feel=None,
    ),
    Fault.BATTERY_LOW: Row(
        "The battery is low.",
        "The battery is low.",
        "De accu is bijna leeg.",
    ),
    Fault.BATTERY_CRITICAL: Row(
        "The battery is empty: the camera closes down.",
        "The battery is empty.",
        "De accu is leeg.",
    ),
    Fault.ROOM_LOW: Row(
        "At most an hour of footage still fits on the card.",
        "The card is filling up.",
        "De kaart raakt vol.",
    ),
    Fault.ROOM_VERY_LOW: Row(
        "At most a quarter of an hour of footage still fits on the card.",
        "The card is almost full.",
        "De kaart is bijna vol.",
    ),
    Fault.BUTTON_BROKEN: Row(
        "A button opens and closes faster than a hand can: a loose wire, or no button at all.",
        "The button does not work.",
        "De knop werkt niet.",
        amber=True,
        unfit=True,
    ),
    Fault.GAUGE_DEAD: Row(
        "The battery gauge does not answer, or answers nonsense.",
        "The battery gauge does not work.",
        "De accumeter werkt niet.",
    ),
    Fault.POWER_WEAK: Row(
        "The supply voltage is too low for the processor.",
        "The power supply is too weak.",
        "De voeding is te zwak.",
    ),
    Fault.TOO_HOT: Row(
        "The processor is so hot that it is slowed down.",
        "The camera is too hot.",
        "De camera is te warm.",
    ),
    Fault.CARD_WORN: Row(
        "The card has come to the end of its life, by its own account.",
        "The card is worn out.",
        "De kaart is versleten.",
    ),
    Fault.CARD_RESTORED: Row(
        "The journal on the card is not the one that the memory in the camera remembers.",
        "This is not the right card.",
        "Dit is niet de juiste kaart.",
    ),
    Fault.CLOCK_DEAD: Row(
        "The clock module does not answer, or has lost the time.",
        "The clock module does not work.",
        "De klokmodule werkt niet.",
    ),
    Fault.CLOCK_STEPPED: Row(
        "The time of day jumped although it had been set.",
        "The clock has jumped.",
        "De klok is versprongen.",
    ),
    Fault.MEMORY_DEAD: Row(
        "The memory in the camera does not answer.",
        "The camera's memory does not work.",
        "Het geheugen van de camera werkt niet.",
    ),
    Fault.LENS_COVERED: Row(
        "Something covers the lens.",
        "The lens is covered.",
        "De lens is bedekt.",
        amber=True,
    ),
    Fault.LENS_DARK: Row(
        "The picture is dark.",
        "The picture is dark.",
        "Het beeld is donker.",
        feel=None,
    ),
    Fault.LENS_UPSIDE_DOWN: Row(
        "The picture is upside down.",
        "The camera hangs upside down.",
        "De camera hangt ondersteboven.",
    ),
}

DEAD: dict[Output, Fault] = {
    Output.SPEAKER: Fault.SPEAKER_DEAD,
    Output.BUZZER: Fault.BUZZER_DEAD,
    Output.LIGHT: Fault.LIGHT_DEAD,
}
"""The fault of an output that does not give the warning."""


@dataclass(frozen=True, slots=True)
class Threshold:
    """When a falling reading raises a fault, and when a rising one clears it again."""

    fault: Fault
    raised_at: int
    cleared_at: int


BATTERY_PERCENT = (
    Threshold(Fault.BATTERY_LOW, 20, 25),
    Threshold(Fault.BATTERY_CRITICAL, 4, 8),
)
ROOM_MINUTES = (
    Threshold(Fault.ROOM_LOW, 60, 70),
    Threshold(Fault.ROOM_VERY_LOW, 15, 20),
    Threshold(Fault.NO_ROOM, 0, 2),
)
