"""What the camera costs, measured: `make bench`. docs/performance.md explains the figures."""
