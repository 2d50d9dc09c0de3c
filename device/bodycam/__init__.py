"""The software inside the bodycam."""

VERSION = "0.1.0"
"""As in pyproject.toml: a camera has these files, and no package."""
