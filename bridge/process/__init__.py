"""One child program, and what a dead parent left behind."""

from bridge.process.child import Chunk, Message, Process, Started, Stopped
from bridge.process.group import alive, end_group

__all__ = ["Chunk", "Message", "Process", "Started", "Stopped", "alive", "end_group"]
