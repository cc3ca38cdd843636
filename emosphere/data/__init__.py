"""From a corpus, or from recordings, to what goes into a model: decoded, cropped, padded, masked; with its labels.

``loading`` is the way of training and evaluation, ``recordings`` that of new sound files, ``batches`` decides what goes
through the model together, ``frames`` keeps what a frozen encoder makes, ``memory`` says what to do where that is too
much.
"""

from .loading import (
    Utterances,
    auxiliary_classes,
    collate,
    inputs,
    make_loader,
    read_audio,
    targets,
    to_mono_16k,
    to_tensor,
)

__all__ = [
    "Utterances",
    "auxiliary_classes",
    "collate",
    "inputs",
    "make_loader",
    "read_audio",
    "targets",
    "to_mono_16k",
    "to_tensor",
]
