"""The embedded corpus: speech whose emotion is known by construction.

eSpeak NG speaks everyday sentences with prosody set by Schröder's rules for a point in
valence-arousal-dominance space, five simulated raters label them, and the result lies on disk exactly as
MSP-Podcast does, so that the embedded corpus and a real one go through the same adapter. `build` makes the
corpus, `speak` a single utterance.

The modules, in the order in which an utterance passes them: ``labels`` draws emotions and ratings,
``sentences`` chooses the words, ``prosody`` applies the rules, ``voices`` turns them into eSpeak settings of
one of 54 speakers, ``espeak`` runs the engine, ``speech`` puts these together, ``corpus`` writes the files,
``card`` the corpus card, and ``truth`` says what the truth would score.
"""

from .corpus import build
from .prosody import Prosody, Quality, derive_prosody, derive_quality
from .sentences import NEUTRAL
from .speech import speak
from .truth import ceiling, true_points
from .voices import COUNT, Speaker
from .voices import get as speaker

__all__ = [
    "COUNT",
    "NEUTRAL",
    "Prosody",
    "Quality",
    "Speaker",
    "build",
    "ceiling",
    "derive_prosody",
    "derive_quality",
    "speak",
    "speaker",
    "true_points",
]
