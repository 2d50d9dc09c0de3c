"""The same agent in a made-up world behind the same ports."""
