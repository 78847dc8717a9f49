"""The label config and the instructions of a review project, rendered from the declarations of its layers.

`render` puts one control per layer beside the surface of the view; nothing here knows a layer by name. `check_config`
and `check_results` find what Label Studio itself lets through.
"""

from .checks import check_config, check_results
from .controls import marker_words, timeline_control
from .instructions import instructions
from .render import render

__all__ = ["check_config", "check_results", "instructions", "marker_words", "render", "timeline_control"]
