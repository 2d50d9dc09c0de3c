"""Who only verifies a recording does not wait for a database."""

import subprocess
import sys


def test_the_command_line_starts_without_database_or_network() -> None:
    code = "import sys, bodycam_station.cli, bodycam_station.commands; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    loaded = {name.partition(".")[0] for name in done.stdout.split()}
    assert "bodycam_station" in loaded
    assert loaded.isdisjoint({"sqlalchemy", "alembic", "paho", "psycopg"})
