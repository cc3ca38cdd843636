"""How good a run is and how sure that is: CCC, macro F1, accuracy; intervals and tests over speakers and seeds.

Arguments come in the order truth, prediction. NaN where a score is undefined.
"""

from .intervals import SCORES, concordance_interval, difference, holm, uncertainty
from .panel import panel_ceiling
from .scores import accuracy, concordance_cc, confusion, macro_f1, score_predictions

__all__ = [
    "SCORES",
    "accuracy",
    "concordance_cc",
    "concordance_interval",
    "confusion",
    "difference",
    "holm",
    "macro_f1",
    "panel_ceiling",
    "score_predictions",
    "uncertainty",
]
