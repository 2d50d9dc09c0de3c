"""Files, clocks and systemd as Linux has them, behind the ports."""
