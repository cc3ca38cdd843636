"""The network: a pretrained speech encoder, style pooling, a head for VAD and one for regions (section 2 of the paper).

``model`` is the whole of it; ``encoders`` has what reads the waveform, ``whisper`` the one that reads a log-mel
spectrogram, ``weights`` where an encoder comes from, ``pooling`` what makes one vector of many frames, ``attention``
and ``masking`` what of an encoder changes while it is trained.
"""

from transformers import AutoConfig, AutoModel

from .model import EmoSphereConfig, EmoSphereModel, EmoSphereOutput, build_model

__all__ = ["EmoSphereConfig", "EmoSphereModel", "EmoSphereOutput", "build_model"]

AutoConfig.register(EmoSphereConfig.model_type, EmoSphereConfig)
AutoModel.register(EmoSphereConfig, EmoSphereModel)
