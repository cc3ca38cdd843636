"""The lab session: exercises that check themselves, pictures of a student's own functions, a teacher's tools.

``l1`` to ``l4`` hold the questions, checks and pictures of the four lab notebooks in notebooks/lab; ``checking``,
``hints``, ``strip`` and ``questions`` what they share. ``releasing``, ``grading`` and ``packing`` are for teachers:
``python -m emosphere_lab``.
"""

from emosphere_lab.checking import Exercise, Hint
from emosphere_lab.questions import Question
from emosphere_lab.strip import begin

__all__ = ["Exercise", "Hint", "Question", "begin"]
