"""eSpeak NG as a pure function: text, voice and rate in, samples out, nothing remembered between calls.

The engine comes with the PyPI wheel ``espeakng-loader`` (library and voice data, no system package) and is
called through ctypes. It keeps state from one utterance to the next that its interface cannot reset (the
phase of the pitch flutter, the cycle count of the roughness, the gain control), so the same text twice gives
different samples. Here every call loads the library anew, which takes 2 ms, and the samples depend on the
arguments alone.

References
----------
.. [1] eSpeak NG, https://github.com/espeak-ng/espeak-ng, and its description of voice files,
   ``docs/voices.md``.
"""

import ctypes
import os
import shutil
import threading
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

import espeakng_loader
import numpy as np

from ..system import loaded, plain_path

ENGINE_RATE = 22_050
"""Samples per second that eSpeak makes."""

# What English needs of the 19 MB of voice data; one language only also makes the start fast.
DATA = ("phondata", "phonindex", "phontab", "intonations", "en_dict", "lang/gmw")

RETRIEVAL, NO_EXIT, UTF8, WORDS_PER_MINUTE = 2, 0x8000, 1, 1  # names of speak_lib.h in words
CALLBACK = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.POINTER(ctypes.c_short), ctypes.c_int, ctypes.c_void_p)

_lock = threading.Lock()


@cache
def _home():
    """A private folder with the library and the English voice data, removed when Python ends.

    The library is a copy so that no other user of eSpeak in this process can keep it, and its state, loaded.
    """
    folder = TemporaryDirectory(prefix="espeak-")
    home, data = Path(folder.name), Path(espeakng_loader.get_data_path())
    for name in DATA:
        target = home / "espeak-ng-data" / name
        target.parent.mkdir(parents=True, exist_ok=True)
        (shutil.copytree if (data / name).is_dir() else shutil.copy)(data / name, target)
    (home / "espeak-ng-data" / "voices" / "!v").mkdir(parents=True)
    shutil.copy(espeakng_loader.get_library_path(), home)
    return folder


def synthesize(text: str, *, voice: str = "en-us", variant: str = "", rate: int = 175) -> np.ndarray:
    """Speak ``text`` into memory.

    Parameters
    ----------
    text
    voice
        One of eSpeak's English accents, such as ``"en-us"`` or ``"en-gb-scotland"``.
    variant
        Lines of a voice variant file (``pitch``, ``formant``, ``tone``, ...), see [1]_.
    rate
        Words per minute, 80 to 450.

    Returns
    -------
    (samples,) numpy.ndarray of int16
        At `ENGINE_RATE`.

    Raises
    ------
    ValueError
        If the voice is unknown or nothing can be spoken.

    Examples
    --------
    >>> samples = synthesize("Good morning.")
    >>> samples.dtype, 0.5 < len(samples) / ENGINE_RATE < 1.5
    (dtype('int16'), True)
    """
    chunks = []

    @CALLBACK
    def collect(samples, count, events):
        if samples and count > 0:
            chunks.append(np.ctypeslib.as_array(samples, (count,)).copy())
        return 0

    with _lock:
        home = Path(_home().name)
        name = f"process{os.getpid()}"  # forked processes share the folder
        (home / "espeak-ng-data" / "voices" / "!v" / name).write_bytes(
            f"language variant\nname {name}\n{variant}\n".encode()
        )
        with loaded(home / Path(espeakng_loader.get_library_path()).name) as library:
            if library.espeak_Initialize(RETRIEVAL, 0, plain_path(home), NO_EXIT) != ENGINE_RATE:
                raise RuntimeError(
                    f"eSpeak could not start from {home}; if that path is longer than 140 "
                    "characters, set TMPDIR to a shorter one."
                )
            library.espeak_SetSynthCallback(collect)
            library.espeak_ng_SetRandSeed(1)
            if library.espeak_SetVoiceByName(f"{voice}+{name}".encode()) != 0:
                raise ValueError(f"eSpeak has no English voice {voice!r}.")
            library.espeak_SetParameter(WORDS_PER_MINUTE, int(rate), 0)
            speech = text.encode()
            library.espeak_Synth(speech, len(speech) + 1, 0, 1, 0, UTF8, None, None)
            library.espeak_Synchronize()
            library.espeak_Terminate()
    samples = np.concatenate(chunks) if chunks else np.zeros(0, np.int16)
    if not samples.any():
        raise ValueError(f"There is nothing to say in {text!r}.")
    return samples
