"""Signatures over whole files in OpenSSH's form, as `ssh-keygen -Y sign` and `-Y verify` have it.

Stock `ssh-keygen` accepts some altered armour and trailing bytes; here what was read is built again
and must be the same text. Format: PROTOCOL.sshsig of OpenSSH; the hash is always SHA-512.
"""

import base64
import binascii
import hashlib

from bodycam.errors import SignatureError
from bodycam.evidence.keys import ED25519, SSH_NAMES, PublicKey, SigningKey, ssh_string
from bodycam.ports import Buffer

MAX_ARMOR_BYTES = 4096
"""More than a signature of any of our keys takes."""

_BEGIN = "-----BEGIN SSH SIGNATURE-----\n"
_END = "-----END SSH SIGNATURE-----\n"
_WIDTH = 70
_HASH = ssh_string(b"") + ssh_string(b"sha512")


def sign(key: SigningKey, namespace: str, message: Buffer) -> str:
    """The armoured signature, with a newline at its end."""
    return _armor(key.public, namespace, key.sign(_signed(namespace, message)))


def verify(armored: str | bytes, public: PublicKey, namespace: str, message: Buffer) -> None:
    """Raises SignatureError unless `armored` is exactly this key's signature of the message."""
    text = armored if isinstance(armored, str) else armored.decode("latin-1")
    signature = _signature(text, public.alg)
    if _armor(public, namespace, signature) != text:
        raise SignatureError("A signature is not in OpenSSH's form, or of another key or purpose.")
    public.verify(signature, _signed(namespace, message))


def _signed(namespace: str, message: Buffer) -> bytes:
    hashed = ssh_string(hashlib.sha512(message).digest())
    return b"SSHSIG" + ssh_string(namespace.encode("ascii")) + _HASH + hashed


def _armor(public: PublicKey, namespace: str, signature: bytes) -> str:
    raw = signature
    if public.alg != ED25519:
        raw = _mpint(signature[:32]) + _mpint(signature[32:])
    signed = ssh_string(SSH_NAMES[public.alg].encode("ascii")) + ssh_string(raw)
    blob = b"SSHSIG" + (1).to_bytes(4, "big") + ssh_string(public.blob())
    blob += ssh_string(namespace.encode("ascii")) + _HASH + ssh_string(signed)
    text = base64.b64encode(blob).decode("ascii")
    lines = [text[i : i + _WIDTH] + "\n" for i in range(0, len(text), _WIDTH)]
    return _BEGIN + "".join(lines) + _END


def _mpint(number: bytes) -> bytes:
    number = number.lstrip(b"\0")
    return ssh_string(b"\0" + number if number[:1] >= b"\x80" else number)


def _signature(text: str, alg: str) -> bytes:
    """The 64 bytes inside the armour; `verify` finds out whether all around them is right."""
    if len(text) > MAX_ARMOR_BYTES:
        raise SignatureError("A signature file is too long.")
    try:
        body = text.removeprefix(_BEGIN).removesuffix(_END).encode("ascii")
        blob = base64.b64decode(body)
    except (UnicodeEncodeError, binascii.Error):
        raise SignatureError("A signature is not in OpenSSH's form.") from None
    raw = _last(_last(blob[len("SSHSIG") + 4 :], 1)[0], 1)[0]
    if alg == ED25519:
        return raw[-64:].rjust(64, b"\0")
    return b"".join(number[-32:].rjust(32, b"\0") for number in _last(raw, 2))


def _last(data: bytes, count: int) -> list[bytes]:
    """The last of the SSH strings in `data`; what is missing is empty."""
    found = [b""] * count
    while data:
        end = 4 + int.from_bytes(data[:4], "big")
        found.append(data[4:end])
        data = data[end:]
    return found[-count:]
