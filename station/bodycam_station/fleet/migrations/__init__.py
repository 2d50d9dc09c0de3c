"""How the database came to be as schema.py has it: one file a step, run at start."""
