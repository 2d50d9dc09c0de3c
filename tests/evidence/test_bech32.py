import pytest
from hypothesis import given
from hypothesis import strategies as st

from bodycam.errors import SealError
from bodycam.evidence import bech32

# From BIP 173; those with whole bytes.
VALID = ["A12UEL5L", "a12uel5l", "?1ezyfcl"]
INVALID = {
    "\x201nwldj5": "readable",
    "\x7f1axkwrx": "readable",
    "\x801eym55h": "readable",
    "pzry9x0s0muk": "no checksum",
    "1pzry9x0s0muk": "readable",
    "x1b4n0q5v": "letter",
    "li1dgmt3": "no checksum",
    "de1lg7wt\xff": "letter",
    "A1G7SGD8": "mistyped",
    "10a06t8": "readable",
    "1qzzfhee": "readable",
    "A12uEL5L": "mixes",
    "a12UEL5L": "mixes",
    "": "no checksum",
    "abc1" + "q" * 5000: "too long",
}


@pytest.mark.parametrize("text", VALID)
def test_the_standards_valid_texts_are_read(text: str) -> None:
    hrp, data = bech32.decode(text)
    assert (hrp, data) == (text[0], b"")
    assert bech32.encode(hrp, data) == text


@pytest.mark.parametrize(("text", "why"), INVALID.items(), ids=range(len(INVALID)))
def test_what_is_wrong_is_refused_with_the_reason(text: str, why: str) -> None:
    with pytest.raises(SealError, match=why):
        bech32.decode(text)


def test_a_known_age_key() -> None:
    # The example key pair of age's own documentation.
    hrp, data = bech32.decode("age1zvkyg2lqzraa2lnjvqej32nkuu0ues2s82hzrye869xeexvn73equnujwj")
    assert hrp == "age"
    assert len(data) == 32


@given(st.binary(max_size=1400), st.sampled_from(["age", "AGE-SECRET-KEY-", "age1pq"]))
def test_round_trip(data: bytes, hrp: str) -> None:
    text = bech32.encode(hrp, data)
    assert bech32.decode(text) == (hrp, data)
    assert text in (text.lower(), text.upper())


@given(st.binary(min_size=1, max_size=40), st.data())
def test_one_changed_letter_is_always_noticed(data: bytes, draw: st.DataObject) -> None:
    text = bech32.encode("age", data)
    at = draw.draw(st.integers(4, len(text) - 1))
    letter = draw.draw(st.sampled_from("qpzry9x8gf2tvdw0s3jn54khce6mua7l").filter(text[at].__ne__))
    with pytest.raises(SealError):
        bech32.decode(text[:at] + letter + text[at + 1 :])


@pytest.mark.parametrize("hrp", ["", "Age", "a ge", "a\xe9"])
def test_a_readable_part_must_be_readable(hrp: str) -> None:
    with pytest.raises(SealError):
        bech32.encode(hrp, b"x")


def checksummed(hrp: str, values: list[int]) -> str:
    """A text with a good checksum over any values, also over those that no bytes give."""
    total = bech32._polymod(bech32._spread(hrp) + values + [0] * 6) ^ 1
    values = values + [total >> 5 * (5 - i) & 31 for i in range(6)]
    return hrp + "1" + "".join(bech32._LETTERS[value] for value in values)


@pytest.mark.parametrize(
    "values", [[0], [0] * 3, [0, 1], [1, 1]], ids=["5 bits", "15 bits", "set", "set too"]
)
def test_left_over_bits_are_refused(values: list[int]) -> None:
    assert bech32.decode(checksummed("age", [31, 28])) == ("age", b"\xff")
    with pytest.raises(SealError, match="left over"):
        bech32.decode(checksummed("age", values))


def test_errors_never_repeat_a_secret() -> None:
    secret = bech32.encode("AGE-SECRET-KEY-", bytes(range(32)))
    for broken in (secret[:-1], secret[:-1] + "b", secret.lower()[:20] + secret[20:], "1" + secret):
        with pytest.raises(SealError) as caught:
            bech32.decode(broken)
        assert secret[20:30].lower() not in str(caught.value).lower()
