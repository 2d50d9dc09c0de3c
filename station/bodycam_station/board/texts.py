"""Every word that the board says, in one table: Dutch, English.

`{name}` is filled in. A pair of texts divided by `|` is one and many, chosen by `n`.
"""

from collections.abc import Mapping
from typing import Literal

Language = Literal["nl", "en"]
LANGUAGES: tuple[Language, ...] = ("nl", "en")

TEXTS: Mapping[str, tuple[str, str]] = {
    # ---- the frame
    "app": ("Bodycams", "Bodycams"),
    "nav": ("Hoofdmenu", "Main menu"),
    "nav.morning": ("Vandaag", "Today"),
    "nav.alerts": ("Meldingen", "Alerts"),
    "nav.audit": ("Logboek", "Audit log"),
    "skip": ("Naar de inhoud", "Skip to content"),
    "settings": ("Weergave", "Display"),
    "language": ("Taal", "Language"),
    "language.nl": ("Nederlands", "Nederlands"),
    "language.en": ("English", "English"),
    "theme": ("Kleuren", "Colours"),
    "theme.auto": ("Zoals het apparaat", "As the device"),
    "theme.light": ("Licht", "Light"),
    "theme.dark": ("Donker", "Dark"),
    "apply": ("Toepassen", "Apply"),
    "role.viewer": ("Meekijker", "Viewer"),
    "role.manager": ("Beheerder", "Manager"),
    "role.auditor": ("Toezichthouder", "Auditor"),
    "log_out": ("Uitloggen", "Log out"),
    "live": ("Actueel", "Live"),
    "live.off": ("Niet actueel sinds {at}", "Not live since {at}"),
    "live.off.why": (
        "De verbinding met het station is weg. Wat hier staat, kan verouderd zijn. "
        "Er wordt vanzelf opnieuw verbonden.",
        "The connection to the station is gone. What you see here may be out of date. "
        "It connects again by itself.",
    ),
    "live.none": ("Stand van {at}", "As of {at}"),
    # ---- logging in
    "log_in": ("Inloggen", "Log in"),
    "log_in.lead": (
        "Het bord van de bodycams: welke camera's mee kunnen, en wat er met de andere moet.",
        "The board of the bodycams: which cameras can go out, and what to do about the others.",
    ),
    "log_in.name": ("Gebruikersnaam", "User name"),
    "log_in.password": ("Wachtwoord", "Password"),
    "log_in.wrong": (
        "Gebruikersnaam of wachtwoord klopt niet.",
        "The user name or the password is not right.",
    ),
    "log_in.wait": (
        "Te vaak geprobeerd. Probeer het over {minutes} min opnieuw.",
        "Tried too often. Try again in {minutes} min.",
    ),
    "log_in.again": (
        "Uw sessie is afgelopen. Log opnieuw in.",
        "Your session has ended. Log in again.",
    ),
    "log_in.out": ("U bent uitgelogd.", "You are logged out."),
    "log_in.help": (
        "Geen account, of wachtwoord vergeten? De beheerder van het station maakt er een met "
        "“bodycam-station user add”.",
        "No account, or password forgotten? Whoever runs the station makes one with "
        "“bodycam-station user add”.",
    ),
    # ---- errors
    "error.400": ("Dat verzoek klopt niet", "That request is not right"),
    "error.400.do": (
        "Ga terug en probeer het opnieuw vanaf de pagina.",
        "Go back and try again from the page.",
    ),
    "error.403": ("Dat mag u hier niet", "You may not do that here"),
    "error.403.do": (
        "Dat hoort niet bij uw rol ({role}). Vraag het zo nodig aan de beheerder van het station.",
        "It is not part of your role ({role}). Ask whoever runs the station if you need it.",
    ),
    "error.csrf": ("Dit formulier is niet meer geldig", "This form is no longer valid"),
    "error.csrf.do": (
        "Er is niets gedaan. Laad de pagina opnieuw en probeer het nog eens.",
        "Nothing was done. Load the page again and try once more.",
    ),
    "error.404": ("Die pagina is er niet", "That page does not exist"),
    "error.404.do": (
        "Misschien is de camera hernoemd of het adres verkeerd overgenomen.",
        "Perhaps the camera was renamed, or the address was copied wrongly.",
    ),
    "error.405": ("Dat kan hier niet", "That cannot be done here"),
    "error.405.do": (
        "Ga terug en gebruik de knoppen op de pagina.",
        "Go back and use the buttons on the page.",
    ),
    "error.413": ("Dat is te veel tekst", "That is too much text"),
    "error.413.do": (
        "Er is niets gedaan. Maak de tekst korter.",
        "Nothing was done. Make the text shorter.",
    ),
    "error.429": ("Even wachten", "Wait a moment"),
    "error.429.do": (
        "Er kwam te veel achter elkaar. Er is niets gedaan; probeer het over een minuut weer.",
        "Too many acts came one after another. Nothing was done; try again in a minute.",
    ),
    "error.500": ("Hier ging iets mis", "Something went wrong here"),
    "error.500.do": (
        "Het ligt niet aan u. Probeer het opnieuw; blijft het zo, geef dan de tijd ({at}) door aan "
        "de beheerder van het station.",
        "It is not your fault. Try again; if it stays like this, tell whoever runs the station "
        "the time ({at}).",
    ),
    "error.503": ("Het station is te druk", "The station is too busy"),
    "error.503.do": (
        "Probeer het over een minuut opnieuw.",
        "Try again in a minute.",
    ),
    "error.back": ("Naar het bord", "To the board"),
    # ---- the first line
    "line.can": ("kan mee|kunnen mee", "can go out"),
    "line.cannot": ("niet", "cannot"),
    "line.missing": ("ontbreekt|ontbreken", "missing"),
    "line.all": ("Alle {n} kunnen mee", "All {n} can go out"),
    "line.bar": (
        "{can} van {all} camera's kunnen mee",
        "{can} of {all} cameras can go out",
    ),
    "link.off": (
        "Het station hoort sinds {at} geen camera's",
        "The station has heard no cameras since {at}",
    ),
    "link.off.why": (
        "Wat hieronder staat, is van vóór die tijd. Kijk of de MQTT-broker draait. {why}",
        "What is below is from before that time. See whether the MQTT broker is running. {why}",
    ),
    # ---- exceptions
    "cases.cannot": ("Kan niet mee", "Cannot go out"),
    "cases.missing": ("Ontbreekt", "Missing"),
    "cases.see": ("Kan mee, maar let op", "Can go out, but see to this"),
    "cases.see.lead": (
        "Los dit vandaag op; de camera mag mee.",
        "Solve this today; the camera may go out.",
    ),
    "cases.small": ("Kleinigheden", "Small things"),
    "cases.seen": ("Al gezien", "Seen already"),
    "cases.none": ("Er is niets bijzonders.", "Nothing needs your attention."),
    "cases.none.lead": (
        "Elke camera is gehoord, getest en klaar voor de dienst.",
        "Every camera has been heard, tested and is ready for the shift.",
    ),
    "cases.more": (
        "Nog {n} camera: bekijk de hele lijst|Nog {n} camera's: bekijk de hele lijst",
        "{n} more camera: see the whole list|{n} more cameras: see the whole list",
    ),
    "since": ("sinds {at}", "since {at}"),
    "do": ("Wat te doen", "What to do"),
    "severity.grave": ("ernstig", "serious"),
    "severity.warning": ("let op", "attention"),
    "severity.notice": ("ter info", "for information"),
    "acknowledge": ("Gezien", "Acknowledge"),
    "acknowledge.note": (
        "Wat is ermee gedaan, of wie doet het?",
        "What was done, or who will do it?",
    ),
    "acknowledge.do": ("Vastleggen", "Save"),
    "acknowledge.of": ("Gezien: {what}, {camera}", "Acknowledge: {what}, {camera}"),
    "acknowledged": ("Gezien door {person}, {at}", "Seen by {person}, {at}"),
    # ---- findings, by the codes of the fleet
    "finding.missing": ("Niet gehoord", "Not heard"),
    "finding.lost": ("Zonder bericht weggevallen", "Went without a word"),
    "finding.handover": (
        "{waiting} opname staat al langer dan 24 uur op de camera|"
        "{waiting} opnamen staan al langer dan 24 uur op de camera",
        "{waiting} recording has been on the camera for more than 24 hours|"
        "{waiting} recordings have been on the camera for more than 24 hours",
    ),
    "finding.dock-test": ("Zakte voor de test in de lader", "Failed its test in the dock"),
    "finding.will-not-last": (
        "Haalt de dienst niet: accu {percent} %, nog {minutes} min",
        "Will not last the shift: battery {percent} %, {minutes} min left",
    ),
    "finding.clock": (
        "De klok wijkt {off_s} s af (bron: {source})",
        "The clock is {off_s} s off (source: {source})",
    ),
    "finding.clock.none": ("De klok is niet gelijk gezet", "The clock is not set"),
    "finding.key": ("Gebruikt een andere sleutel", "Uses another key"),
    "finding.recipients": (
        "Versleutelt voor andere ontvangers dan het station",
        "Seals for others than this station",
    ),
    "finding.policy": (
        "Heeft een ander beleid ({is}, moet {expected} zijn)",
        "Has another policy ({is}, should be {expected})",
    ),
    "finding.software": (
        "Draait versie {is}, moet {expected} zijn",
        "Runs version {is}, should be {expected}",
    ),
    "finding.configuration": (
        "Heeft configuratie {is}, verzonden is {expected}",
        "Has configuration {is}, sent was {expected}",
    ),
    "finding.custody-rollback": (
        "De kaart toont een oudere stand dan eerder is gezien (regel {seq}, bekend tot {known})",
        "The card shows an older state than was seen before (line {seq}, known up to {known})",
    ),
    "finding.custody-fork": (
        "De kaart toont een andere geschiedenis vanaf regel {seq}",
        "The card shows another history from line {seq}",
    ),
    "finding.custody-forged": (
        "Regel {seq} is niet door deze camera ondertekend",
        "Line {seq} was not signed by this camera",
    ),
    "finding.custody-gap-number": (
        "Van opname nummer {number} is nooit iets gehoord",
        "Recording number {number} was never heard of",
    ),
    "finding.custody-gap-open": (
        "Opname {rec} begon, en een einde is niet gehoord",
        "Recording {rec} began, and no end was heard of",
    ),
    "finding.custody-gap-gone": (
        "Opname {rec} staat niet meer op de camera en is niet overgedragen",
        "Recording {rec} is no longer on the camera and was not handed over",
    ),
    # ---- the same in short, for the time line
    "short.missing": ("Niet gehoord", "Not heard"),
    "short.lost": ("Weggevallen", "Lost"),
    "short.handover": ("Opnamen niet overgedragen", "Recordings not handed over"),
    "short.dock-test": ("Gezakt voor de test in de lader", "Test in the dock failed"),
    "short.will-not-last": ("Haalt de dienst niet", "Will not last the shift"),
    "short.clock": ("Klok wijkt af", "Clock is off"),
    "short.key": ("Andere sleutel", "Another key"),
    "short.recipients": ("Andere ontvangers", "Other recipients"),
    "short.policy": ("Ander beleid", "Another policy"),
    "short.software": ("Andere versie", "Another version"),
    "short.configuration": (
        "Configuratie nog niet overgenomen",
        "Configuration not taken over yet",
    ),
    "short.custody-rollback": ("Kaart teruggezet", "Card rolled back"),
    "short.custody-fork": ("Kaart met andere geschiedenis", "Card with another history"),
    "short.custody-forged": ("Vervalste regel", "Forged line"),
    "short.custody-gap-number": ("Opname nooit gehoord", "Recording never heard of"),
    "short.custody-gap-open": ("Opname zonder einde", "Recording without an end"),
    "short.custody-gap-gone": ("Opname verdwenen", "Recording gone"),
    # ---- what to do
    "do.secure-card": (
        "Geef de camera niet uit. Haal de kaart eruit, leg haar apart met datum en naam, en meld "
        "het aan de toezichthouder (FG).",
        "Do not hand the camera out. Take the card out, keep it apart with date and name, and tell "
        "the data protection officer.",
    ),
    "do.find-recording": (
        "Haal de kaart eruit en lees haar in aan het station. Is de opname er niet, meld het dan "
        "aan de toezichthouder (FG).",
        "Take the card out and import it at the station. If the recording is not there, tell the "
        "data protection officer.",
    ),
    "do.import-card": (
        "Lees de kaart in aan het station; dan blijkt of er iets ontbreekt.",
        "Import the card at the station; that shows whether something is missing.",
    ),
    "do.enrol-again": (
        "Geef de camera niet uit. Is hij opnieuw ingericht, meld hem dan opnieuw aan bij het "
        "station; is dat niet zo, houd hem dan apart.",
        "Do not hand the camera out. If it was set up anew, enrol it at the station again; if it "
        "was not, keep it apart.",
    ),
    "do.find-camera": (
        "Kijk in de laders en vraag het aan de laatste ploeg. Blijft hij weg: meld het verlies en "
        "trek de sleutel in (bodycam-station revoke).",
        "Look in the docks and ask the last team. If it stays away: report the loss and revoke its "
        "key (bodycam-station revoke).",
    ),
    "do.look-at-camera": (
        "Zet hem in de lader. Komt hij niet terug, houd dan de aan-knop ingedrukt.",
        "Put it into the dock. If it does not come back, hold its power button.",
    ),
    "do.see-fault": ("Zie de storing.", "See the fault."),
    "do.test-again": (
        "Neem hem uit de lader, zet hem terug en wacht een minuut. Zakt hij weer: naar reparatie.",
        "Take it out of the dock, put it back and wait a minute. If it fails again: send it to be "
        "repaired.",
    ),
    "do.charge": (
        "Laad hem op, of geef een andere mee.",
        "Charge it, or hand out another one.",
    ),
    "do.hand-over": (
        "Zet hem in de lader met netwerk, of lees de kaart in aan het station.",
        "Put it into a dock with network, or import its card at the station.",
    ),
    "do.set-clock": (
        "Zet hem in de lader met netwerk; binnen een kwartier loopt hij gelijk.",
        "Put it into a dock with network; within a quarter of an hour it is set.",
    ),
    "do.send-configuration": (
        "Zet hem in de lader; de configuratie wordt verzonden. Blijft het zo: stuur haar opnieuw.",
        "Put it into the dock; the configuration is sent. If it stays like this: send it again.",
    ),
    "do.wait-standby": (
        "Zet hem in de lader: daar neemt hij het over.",
        "Put it into its dock: it takes it over there.",
    ),
    "do.upgrade": (
        "Werk hem bij zodra hij gemist kan worden.",
        "Upgrade it when it can be spared.",
    ),
    # ---- faults (by the name the camera gives them)
    "fault.unknown": ("Storing: {fault}", "Fault: {fault}"),
    "do.fault.unknown": (
        "Het bord kent deze storing niet. Zoek haar op in de handleiding van de camera.",
        "This board does not know the fault. Look it up in the camera's manual.",
    ),
    "fault.camera-stalled": ("Geeft geen beeld", "Delivers no pictures"),
    "do.fault.camera-stalled": (
        "Zet hem uit en weer aan. Blijft het zo: naar reparatie.",
        "Switch it off and on. If it stays: send it to be repaired.",
    ),
    "fault.no-room": ("De kaart is vol", "The card is full"),
    "do.fault.no-room": (
        "Draag de opnamen over; dan komt er ruimte.",
        "Hand the recordings over; that makes room.",
    ),
    "fault.card-failed": ("De kaart laat zich niet beschrijven", "The card refuses to be written"),
    "do.fault.card-failed": (
        "Lees de kaart in aan het station en vervang haar.",
        "Import the card at the station and replace it.",
    ),
    "fault.card-stuck": ("De kaart antwoordt traag", "The card answers slowly"),
    "do.fault.card-stuck": (
        "Gebeurt het vaker: vervang de kaart.",
        "If it happens again: replace the card.",
    ),
    "fault.footage-dropped": ("Er zijn beelden verloren gegaan", "Footage was lost"),
    "do.fault.footage-dropped": (
        "Vervang de kaart; wat er ontbreekt, staat in het bewijs.",
        "Replace the card; the evidence says what is missing.",
    ),
    "fault.sound-lost": ("De microfoon geeft geen geluid", "The microphone delivers no sound"),
    "do.fault.sound-lost": (
        "Controleer de microfoon en de stekker.",
        "Check the microphone and its plug.",
    ),
    "fault.speaker-dead": (
        "De luidspreker waarschuwde niet",
        "The speaker did not give the warning",
    ),
    "do.fault.speaker-dead": (
        "Laat de luidspreker vervangen: omstanders moeten gewaarschuwd worden.",
        "Have the speaker replaced: people must be warned.",
    ),
    "fault.buzzer-dead": ("De zoemer waarschuwde niet", "The buzzer did not give the warning"),
    "do.fault.buzzer-dead": ("Laat de zoemer vervangen.", "Have the buzzer replaced."),
    "fault.light-dead": ("Het opnamelicht deed het niet", "The recording light did not work"),
    "do.fault.light-dead": (
        "Laat het licht vervangen: het is het teken dat er wordt opgenomen.",
        "Have the light replaced: it is the sign that footage is being kept.",
    ),
    "fault.warning-failed": (
        "De waarschuwing kon niet worden gegeven",
        "The warning could not be given",
    ),
    "do.fault.warning-failed": (
        "Niet uitgeven: laat luidspreker, zoemer en licht nakijken.",
        "Do not hand it out: have speaker, buzzer and light checked.",
    ),
    "fault.button-stuck": ("Een knop zit vast", "A button is stuck"),
    "do.fault.button-stuck": (
        "Maak de knop los en schoon. Blijft het zo: naar reparatie.",
        "Free and clean the button. If it stays: send it to be repaired.",
    ),
    "fault.clock-unsynchronised": ("De klok is niet gelijk gezet", "The clock is not synchronised"),
    "do.fault.clock-unsynchronised": (
        "Zet hem in de lader met netwerk.",
        "Put it into a dock with network.",
    ),
    "fault.battery-low": ("De accu is bijna leeg", "The battery is low"),
    "do.fault.battery-low": ("Zet hem in de lader.", "Put it into the dock."),
    "fault.battery-critical": ("De accu is leeg", "The battery is empty"),
    "do.fault.battery-critical": (
        "Zet hem in de lader; hij gaat vanzelf weer aan.",
        "Put it into the dock; it starts again by itself.",
    ),
    "fault.room-low": (
        "Er past hoogstens nog een uur beeld op de kaart",
        "At most an hour of footage still fits on the card",
    ),
    "do.fault.room-low": ("Draag de opnamen over.", "Hand the recordings over."),
    "fault.room-very-low": (
        "Er past hoogstens nog een kwartier beeld op de kaart",
        "At most a quarter of an hour of footage still fits on the card",
    ),
    "do.fault.room-very-low": (
        "Draag de opnamen over voordat hij meegaat.",
        "Hand the recordings over before it goes out.",
    ),
    "fault.button-broken": ("Een knop doet het niet", "A button does not work"),
    "do.fault.button-broken": (
        "Naar reparatie: waarschijnlijk een los draadje.",
        "Send it to be repaired: probably a loose wire.",
    ),
    "fault.gauge-dead": ("De accumeter doet het niet", "The battery gauge does not work"),
    "do.fault.gauge-dead": (
        "Niet uitgeven: niemand weet hoelang hij nog meegaat. Naar reparatie.",
        "Do not hand it out: nobody knows how long it lasts. Send it to be repaired.",
    ),
    "fault.power-weak": ("De voeding is te zwak", "The power supply is too weak"),
    "do.fault.power-weak": ("Probeer een andere lader of kabel.", "Try another dock or cable."),
    "fault.too-hot": ("De camera is te warm", "The camera is too hot"),
    "do.fault.too-hot": ("Laat hem afkoelen, uit de zon.", "Let it cool down, out of the sun."),
    "fault.card-worn": ("De kaart is versleten", "The card is worn out"),
    "do.fault.card-worn": (
        "Lees de kaart in aan het station en vervang haar deze week.",
        "Import the card at the station and replace it this week.",
    ),
    "fault.card-restored": ("Dit is niet de juiste kaart", "This is not the right card"),
    "do.fault.card-restored": (
        "Haal de kaart eruit, houd haar apart en meld het aan de toezichthouder (FG).",
        "Take the card out, keep it apart and tell the data protection officer.",
    ),
    "fault.clock-dead": ("De klokmodule doet het niet", "The clock module does not work"),
    "do.fault.clock-dead": (
        "Vervang het batterijtje van de klok.",
        "Replace the clock's small battery.",
    ),
    "fault.clock-stepped": ("De klok is versprongen", "The clock has jumped"),
    "do.fault.clock-stepped": (
        "Gebeurt het vaker: vervang het batterijtje van de klok.",
        "If it happens again: replace the clock's small battery.",
    ),
    "fault.memory-dead": (
        "Het geheugen van de camera antwoordt niet",
        "The camera's memory does not answer",
    ),
    "do.fault.memory-dead": (
        "Naar reparatie zodra het kan.",
        "Send it to be repaired when you can.",
    ),
    "fault.lens-covered": ("Er zit iets voor de lens", "Something covers the lens"),
    "do.fault.lens-covered": (
        "Maak de lens schoon en vrij.",
        "Clean the lens and clear what is before it.",
    ),
    "fault.lens-dark": ("Het beeld is donker", "The picture is dark"),
    "do.fault.lens-dark": (
        "In het donker of in een tas is dat gewoon; kijk anders naar de lens.",
        "In the dark or in a bag that is normal; otherwise look at the lens.",
    ),
    "fault.lens-upside-down": ("Het beeld staat op zijn kop", "The picture is upside down"),
    "do.fault.lens-upside-down": ("Hang de camera andersom.", "Turn the camera round."),
    "fault.recorder-silent": ("De opname draait niet", "The recorder does not run"),
    "do.fault.recorder-silent": (
        "Zet hem uit en weer aan. Blijft het zo: naar reparatie.",
        "Switch it off and on. If it stays: send it to be repaired.",
    ),
    # ---- the fleet
    "fleet": ("Alle camera's", "All cameras"),
    "fleet.search": ("Zoek", "Search"),
    "fleet.search.hint": ("naam, groep of storing", "name, group or fault"),
    "fleet.show": ("Toon", "Show"),
    "fleet.show.all": ("Alle", "All"),
    "fleet.show.can": ("Kan mee", "Can go out"),
    "fleet.show.cannot": ("Kan niet mee", "Cannot go out"),
    "fleet.show.missing": ("Ontbreekt", "Missing"),
    "fleet.show.out": ("Nu buiten", "Out now"),
    "fleet.group": ("Groep", "Group"),
    "fleet.group.all": ("Alle groepen", "All groups"),
    "fleet.group.none": ("Zonder groep", "Without a group"),
    "fleet.filter": ("Filter", "Filter"),
    "fleet.clear": ("Wis filter", "Clear filter"),
    "fleet.look": ("Weergave", "Layout"),
    "fleet.look.table": ("Tabel", "Table"),
    "fleet.look.tiles": ("Tegels", "Tiles"),
    "fleet.csv": ("Download CSV", "Download CSV"),
    "fleet.count": ("{n} camera|{n} camera's", "{n} camera|{n} cameras"),
    "fleet.none": ("Geen camera past bij dit filter.", "No camera matches this filter."),
    "fleet.empty": ("Er is nog geen camera aangemeld.", "No camera is enrolled yet."),
    "fleet.empty.lead": (
        "Meld de eerste aan met “bodycam-station enroll”. Hij verschijnt hier vanzelf.",
        "Enrol the first one with “bodycam-station enroll”. It appears here by itself.",
    ),
    "pages": ("Bladzijden", "Pages"),
    "pages.previous": ("Vorige", "Previous"),
    "pages.next": ("Volgende", "Next"),
    "pages.at": ("Bladzijde {page} van {pages}", "Page {page} of {pages}"),
    "col.camera": ("Camera", "Camera"),
    "col.group": ("Groep", "Group"),
    "col.fitness": ("Uitgifte", "Going out"),
    "col.state": ("Toestand", "State"),
    "col.battery": ("Accu", "Battery"),
    "col.room": ("Ruimte", "Room"),
    "col.waiting": ("Over te dragen", "To hand over"),
    "col.heard": ("Gehoord", "Heard"),
    "col.software": ("Software", "Software"),
    "fitness.can": ("Kan mee", "Can go out"),
    "fitness.cannot": ("Kan niet mee", "Cannot go out"),
    "fitness.missing": ("Ontbreekt", "Missing"),
    "state.online": ("In gebruik", "In use"),
    "state.stale": ("Stil", "Silent"),
    "state.paused": ("Privacypauze", "Privacy pause"),
    "state.docked": ("In de lader", "In the dock"),
    "state.offline": ("Uit", "Off"),
    "state.lost": ("Weggevallen", "Lost"),
    "state.never": ("Nog nooit gehoord", "Never heard of"),
    "recording": ("Neemt op", "Recording"),
    "charging": ("laadt", "charging"),
    "unknown": ("onbekend", "unknown"),
    "never": ("nooit", "never"),
    "none": ("geen", "none"),
    "hours": ("{n} uur", "{n} h"),
    "minutes": ("{n} min", "{n} min"),
    "lasts": ("nog ongeveer {span}", "about {span} left"),
    # ---- confirmations
    "said.acknowledged": (
        "Vastgelegd dat u het gezien heeft.",
        "It is noted that you have seen it.",
    ),
    "said.gone": ("Dat was intussen al voorbij.", "That was already over."),
    "said.sent": ("De opdracht is verzonden.", "The command was sent."),
    "said.grouped": ("De groep is gewijzigd.", "The group was changed."),
    "error.409": ("Dat kan nu niet", "That cannot be done now"),
    "error.409.do": (
        "De camera kan deze opdracht nu niet horen. Er is niets gedaan.",
        "The camera cannot hear this command now. Nothing was done.",
    ),
    # ---- a camera's page
    "camera.back": ("Alle camera's", "All cameras"),
    "camera.findings": ("Wat er aan de hand is", "What is the matter"),
    "camera.well": (
        "Er is niets bijzonders aan deze camera.",
        "Nothing is the matter with this camera.",
    ),
    "camera.now": ("Nu", "Now"),
    "camera.room": ("beeld past er nog op", "of footage still fit"),
    "camera.clock": ("Klok", "Clock"),
    "camera.clock.off": ("{s} s verschil", "{s} s off"),
    "camera.dock_test": ("Test in de lader", "Test in the dock"),
    "camera.group.change": ("Groep wijzigen", "Change the group"),
    "camera.group.name": (
        "Naam van de groep, of leeg voor geen",
        "The group's name, or empty for none",
    ),
    "dock_test.": ("onbekend", "unknown"),
    "dock_test.none": ("nog niet gedaan", "not done yet"),
    "dock_test.passed": ("geslaagd", "passed"),
    "dock_test.failed": ("gezakt", "failed"),
    "clock.ntp": ("gelijk met het netwerk", "set by the network"),
    "clock.rtc": ("klokmodule", "clock module"),
    "clock.station": ("gelijk met het station", "set by the station"),
    "clock.none": ("niet gelijk gezet", "not set"),
    # ---- commands
    "commands": ("Opdrachten", "Commands"),
    "commands.sent": ("Verzonden opdrachten", "Commands sent"),
    "commands.none": ("Er is nog geen opdracht verzonden.", "No command has been sent yet."),
    "command.send": ("Verzend", "Send"),
    "command.locate": ("Laat je zien", "Show yourself"),
    "command.locate.about": (
        "Trilt en knippert, om hem te vinden.",
        "Vibrates and blinks, to find it.",
    ),
    "command.locate.seconds": ("Hoelang", "For how long"),
    "command.report": ("Meld je toestand", "Report"),
    "command.report.about": ("Stuurt nu zijn toestand.", "Says how it is, now."),
    "command.rebirth": ("Stel je opnieuw voor", "Introduce yourself again"),
    "command.rebirth.about": (
        "Stuurt alles opnieuw, als na een verbinding.",
        "Says everything anew, as after connecting.",
    ),
    "command.reboot": ("Start opnieuw", "Restart"),
    "command.reboot.about": (
        "Alleen in de lader, hoogstens eens per uur.",
        "Only in the dock, at most once an hour.",
    ),
    "command.no.link": (
        "Nu niet: het station heeft geen verbinding.",
        "Not now: the station is not connected.",
    ),
    "command.no.away": ("Nu niet: de camera is er niet.", "Not now: the camera is not there."),
    "command.no.dock": ("Alleen als hij in de lader staat.", "Only while it is in the dock."),
    "command.no.recording": ("Niet tijdens een opname.", "Not while it is recording."),
    "outcome.pending": ("Verzonden", "Sent"),
    "outcome.accepted": ("Aangenomen", "Accepted"),
    "outcome.done": ("Gedaan", "Done"),
    "outcome.refused": ("Geweigerd", "Refused"),
    "outcome.failed": ("Mislukt", "Failed"),
    "outcome.timed-out": ("Geen antwoord", "No answer"),
    # ---- history
    "history": ("Verloop", "History"),
    "history.span": ("Periode", "Period"),
    "span.hours": ("3 uur", "3 hours"),
    "span.day": ("Dag", "Day"),
    "span.week": ("Week", "Week"),
    "span.month": ("Maand", "Month"),
    "span.year": ("Jaar", "Year"),
    "chart.battery": ("Accu", "Battery"),
    "chart.room": ("Ruimte op de kaart", "Room on the card"),
    "chart.temperature": ("Temperatuur", "Temperature"),
    "chart.radio": ("Ontvangst", "Radio"),
    "chart.none": ("In deze periode is niets gehoord.", "Nothing was heard in this period."),
    "chart.says": (
        "Nu {now}; laagst {least}, hoogst {most}.",
        "Now {now}; lowest {least}, highest {most}.",
    ),
    "chart.gaps": (
        "Eén keer een tijd niets gehoord.|{n} keer een tijd niets gehoord.",
        "Once nothing was heard for a while.|{n} times nothing was heard for a while.",
    ),
    "timeline": ("Tijdlijn", "Time line"),
    "timeline.none": ("Er is nog niets gebeurd.", "Nothing has happened yet."),
    "timeline.old": ("later gemeld", "told later"),
    "moment.raised": ("Begonnen: {what}", "Began: {what}"),
    "moment.cleared": ("Voorbij: {what}", "Over: {what}"),
    "moment.acknowledged": ("Gezien: {what}", "Seen: {what}"),
    "moment.command": ("Opdracht: {what}", "Command: {what}"),
    "journal.boot": ("Aangezet", "Started"),
    "journal.shutdown": ("Uitgezet", "Switched off"),
    "journal.config": ("Configuratie overgenomen", "Configuration taken over"),
    "journal.journal-cut": (
        "Het journaal was afgebroken en is hersteld",
        "The journal was cut and was repaired",
    ),
    "journal.recovered": (
        "Opname hersteld na stroomuitval: {detail}",
        "Recording recovered after a power cut: {detail}",
    ),
    "journal.void": ("Opname zonder begin: {detail}", "Recording without a beginning: {detail}"),
    "journal.damaged": ("Opname beschadigd: {detail}", "Recording damaged: {detail}"),
    "journal.receipt": ("Ontvangstbewijs gekregen: {detail}", "Receipt taken in: {detail}"),
    "journal.deleted": ("Na overdracht gewist: {detail}", "Deleted after hand-over: {detail}"),
    "journal.fault": ("Storing: {detail}", "Fault: {detail}"),
    "journal.fault-cleared": ("Storing voorbij: {detail}", "Fault over: {detail}"),
    "journal.gap": ("Er ontbreken beelden: {detail}", "Footage is missing: {detail}"),
    "journal.broke": ("Opname brak af: {detail}", "Recording broke off: {detail}"),
    "journal.unsaved": ("Opname kon niet worden bewaard", "A recording could not be kept"),
    "custody": ("Nog op de camera", "Still on the camera"),
    "custody.lead": (
        "Opnamen die het station nog niet heeft ontvangen.",
        "Recordings that the station has not received yet.",
    ),
    "custody.none": ("Alles is overgedragen.", "Everything was handed over."),
    "custody.waits": ("wacht sinds {at}", "waits since {at}"),
    "custody.open": ("nog niet afgesloten", "not closed yet"),
    "tech": ("Techniek en bewijs", "Technical details and evidence"),
    "tech.key": ("Sleutel (SHA-256)", "Key (SHA-256)"),
    "tech.recipients": ("Ontvangers (SHA-256)", "Recipients (SHA-256)"),
    "tech.policy": ("Beleid (SHA-256)", "Policy (SHA-256)"),
    "tech.configuration": ("Configuratie", "Configuration"),
    "tech.desired": ("verzonden: {n}", "sent: {n}"),
    "tech.boot": ("Start", "Boot"),
    "tech.session": ("Sessie", "Session"),
    "tech.dropped": ("Verworpen opdrachten sinds de start", "Commands dropped since its start"),
    "tech.head": ("{chain}, regel {seq}", "{chain}, line {seq}"),
    "tech.checked": ("handtekening klopt", "signature holds"),
    "tech.unchecked": ("handtekening nog niet te controleren", "signature cannot be checked yet"),
    # ---- alerts
    "alerts.open": ("Wat nu speelt", "What is the matter now"),
    "alerts.what": ("Wat", "What"),
    "alerts.since": ("Sinds", "Since"),
    "alerts.seen": ("Gezien", "Seen"),
    "alerts.unseen": ("nog niet", "not yet"),
    "alerts.none": ("Er zijn geen meldingen.", "There are no alerts."),
    "hears": ("Wat het station hoort", "What the station hears"),
    "hears.on": ("Verbonden sinds {at}", "Connected since {at}"),
    "hears.waiting": ("Nog weg te schrijven", "Not written down yet"),
    "hears.unknown": ("Van onbekende apparaten", "From unknown devices"),
    "hears.misshapen": ("Niet in de juiste vorm", "Not in their form"),
    "hears.strangers": ("Onbekende apparaten", "Unknown devices"),
    "hears.strangers.do": (
        "Ze melden zich, maar zijn niet aangemeld bij dit station. Van uzelf? Meld ze aan. Anders: "
        "trek hun certificaat in.",
        "They call, but are not enrolled at this station. Your own? Enrol them. Otherwise: revoke "
        "their certificate.",
    ),
    "hears.misshapen_from": (
        "Camera's met berichten in een verkeerde vorm",
        "Cameras with messages not in their form",
    ),
    "hears.messages": ("{n} bericht|{n} berichten", "{n} message|{n} messages"),
    # ---- the audit log
    "audit.lead": (
        "Wie wat deed, en wie wat bekeek. Elke regel staat er vóór de daad.",
        "Who did what, and who looked at what. Each line is there before the act.",
    ),
    "audit.at": ("Tijd", "Time"),
    "audit.person": ("Wie", "Who"),
    "audit.act": ("Wat", "What"),
    "audit.act.all": ("Alles", "Everything"),
    "audit.about": ("Waarover", "About"),
    "audit.note": ("Toelichting", "Note"),
    "audit.count": ("{n} regel|{n} regels", "{n} line|{n} lines"),
    "audit.none": ("Geen regel past bij dit filter.", "No line matches this filter."),
    "act.log-in": ("Ingelogd", "Logged in"),
    "act.log-in-failed": ("Inloggen mislukt", "Log-in failed"),
    "act.log-out": ("Uitgelogd", "Logged out"),
    "act.refused": ("Geweigerd", "Refused"),
    "act.view-camera": ("Camera bekeken", "Looked at a camera"),
    "act.view-audit": ("Logboek bekeken", "Looked at the audit log"),
    "act.take-fleet": ("Overzicht gedownload", "Downloaded the fleet"),
    "act.take-audit": ("Logboek gedownload", "Downloaded the audit log"),
    "act.acknowledge": ("Gezien gemeld", "Acknowledged"),
    "act.command": ("Opdracht gegeven", "Gave a command"),
    "act.group": ("Groep gewijzigd", "Changed a group"),
    "act.failed": ("Niet gelukt", "Was not done"),
    "act.user-add": ("Gebruiker toegevoegd", "Added a user"),
    "act.user-remove": ("Gebruiker verwijderd", "Removed a user"),
    "act.user-password": ("Wachtwoord gewijzigd", "Changed a password"),
}
"""By key."""


class Words:
    """The texts in one language."""

    def __init__(self, language: Language) -> None:
        self.language = language
        self._at = LANGUAGES.index(language)

    def __call__(self, key: str, /, **values: object) -> str:
        """The text of a key, filled in; an unknown key is our mistake and raises KeyError."""
        return self.filled(key, values)

    def filled(self, key: str, values: Mapping[str, object]) -> str:
        """The same; the values may know what stands for one that is missing."""
        text = TEXTS[key][self._at]
        if "|" in text:
            one, many = text.split("|")
            text = one if values["n"] == 1 else many
        return text.format_map(values)

    def has(self, key: str) -> bool:
        """Whether there is such a text."""
        return key in TEXTS


def known_language(name: str) -> Language | None:
    """A language by its name, where we speak it."""
    return next((one for one in LANGUAGES if one == name), None)


def preferred(header: str) -> Language | None:
    """The first language of an Accept-Language header that we speak."""
    found: list[tuple[float, int, Language]] = []
    for place, part in enumerate(header.split(",")[:20]):
        tag, _, quality = part.partition(";")
        language = tag.strip().lower().partition("-")[0]
        try:
            weight = float(quality.strip().removeprefix("q=")) if quality.strip() else 1.0
        except ValueError:
            continue
        found += [(-weight, place, one) for one in LANGUAGES if one == language and weight > 0]
    return min(found)[2] if found else None
