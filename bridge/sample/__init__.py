"""The demo's pictures, "hardware on a bench": drawn, labelled and written by us, so that anybody may pass them on."""

from bridge.sample.defects import Planted, plant_defects
from bridge.sample.parts import LABELS
from bridge.sample.project import draw_sample
from bridge.sample.scene import draw

__all__ = ["LABELS", "Planted", "draw", "draw_sample", "plant_defects"]
