"""Run what a page claims: every test that a page of docs/ names, as `tests/…::test_…`.

python -m tools.claims docs/threats.md            # all of it
python -m tools.claims docs/threats.md "thief"    # the sections with that word in their heading
"""

import argparse
import ast
import re
import subprocess
import sys
from pathlib import Path

HOUSE = Path(__file__).parents[1]
_NAMED = re.compile(r"`(tests/[\w/]+\.py)::(test_\w+)`")


def named(text: str) -> list[tuple[str, str]]:
    """The tests that a text names, each once: file and function."""
    return list(dict.fromkeys(_NAMED.findall(text)))


def missing(text: str) -> list[str]:
    """The tests that a text names and that are not there."""
    return [f"{file}::{name}" for file, name in named(text) if name not in _tests(HOUSE / file)]


def section(text: str, word: str) -> str:
    """The parts of a page whose heading holds a word; all of it without one."""
    parts = re.split(r"(?m)^(?=## )", text)
    return "".join(part for part in parts if word.lower() in part.split("\n")[0].lower())


def main() -> int:
    """pytest's exit code; 2 where the page or the section names no test."""
    parser = argparse.ArgumentParser(prog="tools.claims", description=__doc__)
    parser.add_argument("page", type=Path)
    parser.add_argument("word", nargs="?", default="", help="of the headings to run")
    args = parser.parse_args()
    text = section(args.page.read_text(), args.word)
    tests = [f"{file}::{name}" for file, name in named(text)]
    if gone := missing(text):
        print(f"{args.page} names tests that are not there: {', '.join(gone)}", file=sys.stderr)
        return 2
    if not tests:
        print(f"{args.page} names no test there.", file=sys.stderr)
        return 2
    command = [sys.executable, "-m", "pytest", "-q", "-m", "proof or not proof", *tests]
    return subprocess.run(command, check=False, cwd=HOUSE).returncode


def _tests(path: Path) -> set[str]:
    """Functions and methods of a file."""
    if not path.is_file():
        return set()
    tree = ast.parse(path.read_text())
    return {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)}


if __name__ == "__main__":
    sys.exit(main())
