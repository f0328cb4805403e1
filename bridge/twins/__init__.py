"""Pictures that look the same though their bytes may differ: re-encoded, resized, brightened, marked with a name."""
