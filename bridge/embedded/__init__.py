"""`labelbridge up`: broker, workers and web server as children of one command, over one data folder."""

from bridge.embedded.house import up, work

__all__ = ["up", "work"]
