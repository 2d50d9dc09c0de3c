"""Whatever a link says in these tests is held against the contract."""

from collections.abc import Iterator

import pytest

from contract import Contract, held


@pytest.fixture(autouse=True)
def contract() -> Iterator[Contract]:
    with held() as contract:
        yield contract
