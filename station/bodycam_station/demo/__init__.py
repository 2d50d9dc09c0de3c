"""A station with a broker and simulated cameras, for one person at one computer."""
