"""A real Label Studio server of our own, in an environment of its own: for tests and for the demo."""

from bridge.label_studio.install import VERSION, cache_folder, fresh_server, install, installed, program, template
from bridge.label_studio.server import Access, Server, environment

__all__ = [
    "VERSION",
    "Access",
    "Server",
    "cache_folder",
    "environment",
    "fresh_server",
    "install",
    "installed",
    "program",
    "template",
]
