"""Run named commands one after another, stop at the first that fails, and print what each took.

python tools/timed.py 'lint: ruff check' 'types: mypy'
"""

import shlex
import subprocess
import sys
import time


def run(parts: list[str]) -> int:
    """Run the parts, each `name: command`; the first exit code that is not 0, or 0."""
    start_s = time.monotonic()
    rows: list[tuple[str, float, str]] = []
    failed = None
    for part in parts:
        name, _, command = part.partition(": ")
        print(f"\n== {name}: {command}", flush=True)
        part_start_s = time.monotonic()
        try:
            code = subprocess.run(shlex.split(command), check=False).returncode
        except OSError as error:
            print(f"{name}: {error}")
            code = 127
        rows.append((name, time.monotonic() - part_start_s, "ok" if code == 0 else "FAILED"))
        if code:
            failed = code
            break
    print(f"\n{'part':<20}{'seconds':>8}")
    for name, seconds, result in rows:
        print(f"{name:<20}{seconds:>8.1f}  {result}")
    print(f"{'total':<20}{time.monotonic() - start_s:>8.1f}")
    if failed is None:
        print(f"All {len(rows)} parts are well.")
        return 0
    left = len(parts) - len(rows)
    print(f"The part '{rows[-1][0]}' failed; {left} after it were not run.", flush=True)
    return failed


if __name__ == "__main__":
    try:
        sys.exit(run(sys.argv[1:]))
    except KeyboardInterrupt:
        sys.exit(130)
