"""The limiter: pure, exact, bounded."""

from bodycam_station.board.limits import Limit, Limiter

TWO = Limit(2, 10)


def test_a_try_waits_until_the_oldest_has_passed() -> None:
    limiter = Limiter()
    keys = [(TWO, "a")]
    assert limiter.wait_s(keys, 0) == 0
    limiter.count(keys, 0)
    limiter.count(keys, 4)
    assert limiter.wait_s(keys, 5) == 5
    assert limiter.wait_s([(TWO, "b")], 5) == 0
    assert limiter.wait_s(keys, 10) == 0
    limiter.count(keys, 10)
    assert limiter.wait_s(keys, 10) == 4


def test_the_strictest_of_several_keys_decides() -> None:
    limiter = Limiter()
    wide = Limit(100, 10)
    limiter.count([(TWO, "a"), (wide, "a")], 0)
    limiter.count([(TWO, "a"), (wide, "a")], 0)
    assert limiter.wait_s([(wide, "a")], 1) == 0
    assert limiter.wait_s([(wide, "a"), (TWO, "a")], 1) == 9


def test_success_forgets() -> None:
    limiter = Limiter()
    for _ in range(3):
        limiter.count([(TWO, "a")], 0)
    limiter.forget([(TWO, "a")])
    assert limiter.wait_s([(TWO, "a")], 0) == 0


def test_memory_is_bounded_and_the_oldest_key_goes_first() -> None:
    limiter = Limiter(most_keys=3)
    for n in range(5):
        for _ in range(2):
            limiter.count([(TWO, str(n))], 0)
    assert [limiter.wait_s([(TWO, str(n))], 0) for n in range(5)] == [0, 0, 10, 10, 10]
