"""How random cases are drawn: the same way at a desk and in CI, from the seed that is printed.

And what a run says at its end.
"""

import pytest
from hypothesis import settings

# No deadline: the machine may be busy, and what must be fast is measured by `make bench`.
settings.register_profile("house", settings.get_profile("default"), deadline=None, print_blob=True)
settings.load_profile("house")


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """The crash states that were tried, wherever the tests ran."""
    from crash import table

    found = [
        value
        for report in terminalreporter.stats.get("", [])  # where a test's teardown went well
        for name, value in getattr(report, "user_properties", ())
        if name == table.PROPERTY and report.when == "teardown"
    ]
    for line in table.lines(found):
        terminalreporter.write_line(line)
