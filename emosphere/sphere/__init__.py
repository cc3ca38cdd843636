"""The valence-arousal-dominance sphere: scales, spherical coordinates, region grids, region weights.

Arrays of VAD values have shape ``(..., 3)`` in the order of `DIMENSIONS`. In space the axes are x = arousal,
y = valence, z = dominance, so the azimuth turns in the arousal-valence plane and the elevation is dominance.
Angles are radians; only `RegionGrid.from_angle` and region names, which people type and read, use degrees.

References
----------
.. [1] Cho et al., "EmoSphere-SER: Enhancing Speech Emotion Recognition Through Spherical Representation with
   Auxiliary Classification", Interspeech 2025, section 2.1.
.. [2] Cho et al., "EmoSphere-TTS: Emotional Style and Intensity Modeling via Spherical Emotion Vector for
   Controllable Emotional Text-to-Speech", Interspeech 2024.
"""

from .coordinates import DIMENSIONS, XYZ, Scale, spherical_to_vad, vad_to_spherical
from .regions import OCTANTS, RegionGrid, inverse_frequency_weights

__all__ = [
    "DIMENSIONS",
    "OCTANTS",
    "XYZ",
    "RegionGrid",
    "Scale",
    "inverse_frequency_weights",
    "spherical_to_vad",
    "vad_to_spherical",
]
