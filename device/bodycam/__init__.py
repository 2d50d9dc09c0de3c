"""The software inside the bodycam."""
