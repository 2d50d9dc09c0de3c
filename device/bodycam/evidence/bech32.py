"""Bech32 (BIP 173) as age uses it: its checksum and letters, without its limit of 90 letters.

Texts may be secret keys, so no error repeats one.
"""

from collections.abc import Iterable

from bodycam.errors import SealError

MAX_TEXT = 4096
"""Letters of the longest text that is read; a post-quantum recipient has about 1960."""

_LETTERS = "qpzry9x8gf2tvdw0s3jn54khce6mua7l"
_VALUES = {letter: value for value, letter in enumerate(_LETTERS)}
_GENERATOR = (0x3B6A57B2, 0x26508E6D, 0x1EA119FA, 0x3D4233DD, 0x2A1462B3)
_CHECKSUM = 6


def encode(hrp: str, data: bytes) -> str:
    """The text for `data`; all in capitals where the human-readable part `hrp` is.

    Raises SealError.
    """
    _check_hrp(hrp)
    values = _regroup(data, 8, 5, pad=True)
    total = _polymod(_spread(hrp.lower()) + values + [0] * _CHECKSUM) ^ 1
    values += [total >> 5 * (_CHECKSUM - 1 - i) & 31 for i in range(_CHECKSUM)]
    text = hrp.lower() + "1" + "".join(_LETTERS[value] for value in values)
    return text.upper() if hrp.isupper() else text


def decode(text: str) -> tuple[str, bytes]:
    """The human-readable part, in the case in which it is written, and the data.

    Raises SealError.
    """
    if len(text) > MAX_TEXT:
        raise SealError("A bech32 text is too long.")
    hrp, one, rest = text.rpartition("1")
    if not one or len(rest) < _CHECKSUM:
        raise SealError("A bech32 text has no checksum.")
    _check_hrp(hrp)
    if text != (text.upper() if hrp.isupper() else text.lower()):
        raise SealError("A bech32 text mixes capitals and small letters.")
    try:
        values = [_VALUES[letter] for letter in rest.lower()]
    except KeyError:
        raise SealError("A bech32 text has a letter that does not belong there.") from None
    if _polymod(_spread(hrp.lower()) + values) != 1:
        raise SealError("A bech32 text is mistyped: its checksum is wrong.")
    return hrp, bytes(_regroup(values[:-_CHECKSUM], 5, 8, pad=False))


def _check_hrp(hrp: str) -> None:
    if not hrp or not all("!" <= letter <= "~" for letter in hrp):
        raise SealError("A bech32 text does not begin with a readable part.")
    if hrp not in (hrp.lower(), hrp.upper()):
        raise SealError("A bech32 text mixes capitals and small letters.")


def _spread(hrp: str) -> list[int]:
    return [ord(letter) >> 5 for letter in hrp] + [0] + [ord(letter) & 31 for letter in hrp]


def _polymod(values: Iterable[int]) -> int:
    total = 1
    for value in values:
        top = total >> 25
        total = (total & 0x1FFFFFF) << 5 ^ value
        for i, term in enumerate(_GENERATOR):
            total ^= term if top >> i & 1 else 0
    return total


def _regroup(values: Iterable[int], width: int, target: int, *, pad: bool) -> list[int]:
    """The same bits in groups of another width; left-over bits must be fewer than one and zero."""
    result, pending, bits = [], 0, 0
    for value in values:
        pending = pending << width | value
        bits += width
        while bits >= target:
            bits -= target
            result.append(pending >> bits)
            pending &= (1 << bits) - 1
    if pad and bits:
        result.append(pending << target - bits)
    elif not pad and (bits >= width or pending):
        raise SealError("A bech32 text has bits left over.")
    return result
