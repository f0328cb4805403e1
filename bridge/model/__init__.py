"""The nouns: frozen dataclasses that import only the standard library."""
