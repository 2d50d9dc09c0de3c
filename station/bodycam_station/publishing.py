"""Puts a document onto the broker for a camera, as a manager."""

import queue
import ssl
from pathlib import Path

from paho.mqtt.client import Client, MQTTv5
from paho.mqtt.enums import CallbackAPIVersion
from paho.mqtt.reasoncodes import ReasonCode

from bodycam.errors import UsageError
from bodycam.messages.topics import QOS, Address
from bodycam_station.files import shown

PORT = 8883
WITHIN_S = 15.0


def manager_context(folder: Path) -> ssl.SSLContext:
    """TLS with the one manager's files of a folder, as `bodycam-station manager` writes them.

    Raises UsageError.
    """
    keys = sorted(folder.glob("*.key"))
    if len(keys) != 1:
        raise UsageError(
            f"{shown(folder)} holds {len(keys)} keys of managers, and one is wanted.",
            do="Make them: bodycam-station manager NAME --out FOLDER",
        )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    try:
        context.load_verify_locations(folder / "ca.pem")
        context.load_cert_chain(keys[0].with_suffix(".pem"), keys[0])
    except (OSError, ssl.SSLError) as error:
        raise UsageError(f"{shown(folder)}: a manager's files are not usable: {error}.") from error
    return context


def publish_desired(broker: str, folder: Path, device: str, data: bytes) -> None:
    """Publish a signed configuration, retained; raises UsageError where the broker refuses.

    `broker` is HOST or HOST:PORT.
    """
    host, _, port = broker.rpartition(":") if ":" in broker else (broker, "", str(PORT))
    if not host or not port.isdecimal():
        raise UsageError(f"{shown(broker)} is no HOST or HOST:PORT.")
    name = next(folder.glob("*.key"), folder).stem
    client = Client(CallbackAPIVersion.VERSION2, name, protocol=MQTTv5)
    client.tls_set_context(manager_context(folder))
    client.connect_timeout = WITHIN_S
    answers: queue.SimpleQueue[ReasonCode] = queue.SimpleQueue()
    client.on_connect = lambda _c, _d, _f, reason, _p: answers.put(reason)
    client.on_publish = lambda _c, _d, _n, reason, _p: answers.put(reason)
    try:
        client.connect(host, int(port))
        client.loop_start()
        reason = answers.get(timeout=WITHIN_S)
        if not reason.is_failure:
            client.publish(Address(device, "desired", "").topic, data, QOS, retain=True)
            reason = answers.get(timeout=WITHIN_S)
    except (OSError, ValueError) as error:
        raise UsageError(f"The broker {shown(broker)} cannot be reached: {error}.") from error
    except queue.Empty:
        raise UsageError(f"The broker {shown(broker)} does not answer.") from None
    finally:
        client.disconnect()
        client.loop_stop()
    if reason.is_failure:
        raise UsageError(f"The broker {shown(broker)} does not take it: {reason}.")
