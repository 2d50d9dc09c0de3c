"""What the station knows of the cameras that are in use: taken in, kept, judged, and told.

Nothing here ranks people, and nothing counts presses or warnings.
"""
