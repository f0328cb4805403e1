"""Safe names for pictures and their v1 project together, with a map that undoes it."""
