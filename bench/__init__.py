"""Measurements side by side with a peer or the physical limit: `make bench`."""
