"""The frames of a frozen encoder: made once for a corpus, used by every epoch, variant, seed and process.

A folder of the cache belongs to one encoder: its weights, settings, layer, stride and normalisation (that of a
raw-waveform encoder is the training split's, so variants that train on other utterances have frames of their own). An
entry in it belongs to what is heard in one file, wherever that lies. Entries are float16, in shards that are written
whole and mapped into memory, so memory does not grow with the corpus. What an interruption has left undone is added
later; processes that want the same frames wait for the one that makes them.
"""

import hashlib
import json
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch.utils.data import Dataset

from ..audio import RATE
from ..model import EmoSphereModel
from ..model.fingerprints import fingerprint, telling_settings
from ..utils import EmoSphereError, clear_leftovers, replacing, taking_turns

VERSION = 1
"""To be raised whenever the same encoder and sound give other frames."""

SAMPLE = 5_000
"""Utterances at most over which mean and deviation are taken."""


class FrameError(EmoSphereError, RuntimeError):
    """Frames that cannot be made or kept."""


class Frames:
    """The cached frames of one frozen encoder.

    Parameters
    ----------
    model : EmoSphereModel
        Whose encoder is frozen.
    cache : path-like

    Attributes
    ----------
    folder : Path
    shape : (states, width)
    per_second : float
        Frames of a second of audio.
    """

    def __init__(self, model: EmoSphereModel, cache: str | Path):
        config = model.config
        settings = telling_settings(config.encoder_config)
        weights = fingerprint(model.encoder.state_dict().items())
        what = [
            VERSION,
            weights,
            settings,
            config.layer,
            config.frame_stride,
            config.waveform_mean,
            config.waveform_std,
            config.mask_encoder,
        ]
        key = hashlib.sha256(json.dumps(what, sort_keys=True, default=str).encode()).hexdigest()[:12]
        family = config.encoder_config["model_type"]
        self.folder = Path(cache) / "frames" / f"{family}-layer-{config.layer}-{key}"
        self.shape = tuple(model.frame_mean.shape)
        self.per_second = model.frame_count(100 * RATE) / 100
        self._shards: dict = {}
        self._where: dict[str, tuple[str, int, int]] = {}
        self.look()

    def __contains__(self, digest):
        return digest in self._where

    def __getitem__(self, digest):
        """(frames, states, width) torch.Tensor of float16, by the `digest` of a file's audio facts."""
        name, begin, end = self._where[digest]
        if name not in self._shards:
            self._shards[name] = safe_open(self.folder / name, framework="pt")
        return self._shards[name].get_slice("frames")[begin:end]

    def __getstate__(self):
        return self.__dict__ | {"_shards": {}}  # a worker process opens them anew

    def statistics(self, digests: pd.Series | np.ndarray) -> torch.Tensor:
        """Mean and standard deviation of every width of every state over the frames of utterances.

        Parameters
        ----------
        digests : sequence of str
            Of more than `SAMPLE` as many are drawn, always the same ones.

        Returns
        -------
        (2, states, width) torch.Tensor of float32
        """
        if len(digests) > SAMPLE:
            digests = np.random.default_rng(0).choice(np.asarray(digests), SAMPLE, replace=False)
        count, sums = 0, torch.zeros(2, *self.shape, dtype=torch.float64)
        for digest in digests:
            frames = self[digest].double()
            count += len(frames)
            sums += torch.stack([frames.sum(0), (frames**2).sum(0)])
        mean, squares = sums / count
        return torch.stack([mean, (squares - mean**2).clamp_min(1e-10).sqrt()]).float()

    def look(self, mend: bool = False) -> None:
        """Reads which entries there are; with `mend` a file that is no whole shard is deleted, to be made again."""
        for path in sorted(self.folder.glob("*.safetensors")):
            try:
                with safe_open(path, framework="pt") as file:
                    names, ends = json.loads(file.metadata()["digests"]), file.get_tensor("ends").tolist()
                found = _entries(path, names, ends)
            except (SafetensorError, KeyError, ValueError, TypeError):  # damaged; a cache is only ever a saving
                if mend:
                    with suppress(OSError):
                        path.unlink()
                continue
            self._where |= found

    @contextmanager
    def alone(self, progress: bool) -> Iterator[None]:
        """Nobody else makes frames for this folder meanwhile."""
        with ExitStack() as stack:
            try:
                stack.enter_context(taking_turns(self.folder / ".lock", "frames", progress))
            except OSError as error:
                raise FrameError(
                    f"No frames can be kept in {self.folder} ({error}); name another folder as cache."
                ) from None
            clear_leftovers(self.folder)
            yield

    def keep(self, made: dict[str, torch.Tensor]) -> None:
        """Writes a shard: frames by digest."""
        if not made:
            return
        names = json.dumps(list(made))  # which name the file, so that no other one ever gets its name
        path = self.folder / f"{hashlib.sha256(names.encode()).hexdigest()[:16]}.safetensors"
        ends = np.cumsum([len(frames) for frames in made.values()])
        try:
            with replacing(path) as temporary:
                save_file(
                    {"frames": torch.cat(list(made.values())), "ends": torch.from_numpy(ends)},
                    temporary,
                    metadata={"digests": names},
                )
        except (OSError, SafetensorError) as error:
            raise FrameError(
                f"The frames cannot be written to {path} ({' '.join(str(error).split())[:200]}). What was "
                "made before is kept; make room, or name another folder as cache."
            ) from None
        self._where |= _entries(path, made, ends.tolist())


class FramedUtterances(Dataset):
    """Cached frames of rows of a corpus: item ``i`` is ``(i, (frames, states, width) torch.Tensor)``.

    Parameters
    ----------
    frames : Frames
    digests : sequence of str
    max_seconds : float, optional
        No more than the frames of so much of the beginning.
    """

    def __init__(self, frames: Frames, digests: pd.Series, max_seconds: float | None = None):
        self.frames, self.digests = frames, list(digests)
        self.longest = None if max_seconds is None else max(1, int(max_seconds * frames.per_second))
        self.rate = frames.per_second

    def __len__(self):
        return len(self.digests)

    def __getitem__(self, position):
        return position, self.frames[self.digests[position]][: self.longest]

    def silence(self, seconds: float) -> torch.Tensor:
        """Nothing, as long as that; an item without its position."""
        return torch.zeros(max(1, int(seconds * self.rate)), *self.frames.shape, dtype=torch.float16)


def _entries(path, names, ends):
    """dict: of each name the shard, and where in it its frames begin and end."""
    return {name: (path.name, *place) for name, *place in zip(names, [0, *ends[:-1]], ends, strict=True)}
