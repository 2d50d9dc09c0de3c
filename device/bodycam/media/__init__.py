"""Packets, the GOP ring and the fragmented-MP4 writer: pure, no clock, file or thread."""
