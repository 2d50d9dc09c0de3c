"""The link: the only process with a network. It tells the fleet how the camera is, and may ask."""
