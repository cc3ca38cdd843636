"""The card of a trained model: what it is, how good it was on which test, and what it must not be used for.

Everything that it says is taken from the files of the run, and nothing of when or where it was written, so that a run
that was stopped and went on has the same card.

References
----------
.. [1] Mitchell et al., "Model Cards for Model Reporting", FAT* 2019.
"""

from .speakers import speakers_told, split_sizes, who_was_tested
from .writing import model_card, write_card

__all__ = ["model_card", "speakers_told", "split_sizes", "who_was_tested", "write_card"]
