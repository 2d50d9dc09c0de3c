"""The Raspberry Pi behind the ports: the only place that knows its hardware."""
