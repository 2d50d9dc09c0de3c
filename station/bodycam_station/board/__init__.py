"""The web board: which cameras can go out this morning, and what to do about the others."""
