"""The network: a pretrained speech encoder, style pooling, a head for VAD and one for regions (section 2 of the paper).

``model`` is the whole of it; ``encoders`` has what reads the waveform, ``whisper`` the one that reads a log-mel
spectrogram, ``weights`` where an encoder comes from, ``pooling`` what makes one vector of many frames, ``attention``
and ``masking`` what of an encoder changes while it is trained. ``ready`` has models of human speech that others have
released, ``layouts`` where their files come from, ``audeering`` and ``odyssey`` what they compute.
"""

from transformers import AutoConfig, AutoModel

from .model import EmoSphereConfig, EmoSphereModel, EmoSphereOutput, build_model
from .ready import ReadyModel, load_ready

__all__ = ["EmoSphereConfig", "EmoSphereModel", "EmoSphereOutput", "ReadyModel", "build_model", "load_ready"]

AutoConfig.register(EmoSphereConfig.model_type, EmoSphereConfig)
AutoModel.register(EmoSphereConfig, EmoSphereModel)
