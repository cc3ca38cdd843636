"""How a model hears utterances: one style vector of each, made once and kept in the cache by what is heard.

A trained model's is what its pooling gives (``style`` of its output); an encoder's, before anything is trained on it,
mean and standard deviation over time of its frames. Frames that a run has left in the cache are used and not made
again; others are not kept, since all that is wanted of them is one vector. A vector is the same whatever else is asked
for: on CPU each utterance goes alone, on a GPU with others only where padding changes nothing.
"""

import hashlib
import json
import time
from pathlib import Path

import numpy as np
import pandas as pd
import torch

from ..audio import judge
from ..config import PRESETS, Config
from ..corpora import Corpus, CorpusError, problems, scan
from ..data import Utterances, inputs, make_loader
from ..data.batches import GroupedBatches
from ..data.frames import FramedUtterances, FrameError, Frames
from ..data.framing import GPU_SECONDS
from ..data.memory import is_shortage, shortage
from ..model import EmoSphereModel, ReadyModel, build_model
from ..model.encoders import ENCODERS, find_encoder
from ..model.fingerprints import fingerprint, telling_settings
from ..model.layouts import is_ready, read_settings
from ..prediction import load_model
from ..system import stoppable
from ..utils import bar

VERSION = 1
"""To be raised whenever the same model and sound give another vector."""

KEEP_EVERY = 60
"""Seconds after which what was made is kept: so much is lost at most when a process is killed."""


class StyleVectors(Frames):
    """The cached vectors of one model, kept as frames are: each is one frame of one state, in float32.

    Parameters
    ----------
    model : EmoSphereModel or ReadyModel
    alone : bool
        Whether they are of its frozen encoder alone.
    cache : path-like
    """

    def __init__(self, model: EmoSphereModel | ReadyModel, alone: bool, cache: str | Path):
        config = model.config
        if alone and isinstance(model, EmoSphereModel):
            name = Frames(model, cache).folder.name
        else:
            settings = telling_settings(config.to_dict() | {"encoder_config": telling_settings(config.encoder_config)})
            what = [type(model).__name__, fingerprint(model.state_dict().items()), settings]
            key = hashlib.sha256(json.dumps(what, sort_keys=True, default=str).encode()).hexdigest()[:12]
            name = f"{config.encoder_config['model_type']}-{key}"
        self.folder = Path(cache) / "styles" / f"{name}-{VERSION}"
        self._shards, self._where = {}, {}
        self.look()


def style_vectors(
    corpus: Corpus,
    source: EmoSphereModel | ReadyModel | str | Path,
    rows: pd.DataFrame,
    *,
    cache: str | Path = "data/cache",
    progress: bool = True,
) -> np.ndarray:
    """The style vector of each of some rows of a corpus' table.

    Parameters
    ----------
    corpus : Corpus
    source : EmoSphereModel, ReadyModel, path-like or str
        A model; the folder of a run or of a model; a ready model; or an encoder, by its name or folder, or by the
        preset that names it, whose layer and stride it then has. An encoder's vector is for each hidden state mean and
        deviation over time.
    rows : (n, ...) pandas.DataFrame
    cache : path-like
    progress : bool

    Returns
    -------
    (n, width) numpy.ndarray of float32
        NaN for an utterance that cannot be heard.

    Raises
    ------
    CorpusError
        If none can.
    ValueError
        For a source that is none.
    FrameError
        If there is too little memory, or nothing can be kept in the cache.
    """
    facts = scan(corpus, cache=cache, progress=progress)
    model, alone = _find(source, corpus, facts, cache)
    heard = facts.loc[rows.index]
    finding, detail = judge(heard)
    usable = finding == ""
    if not usable.any():
        raise CorpusError(f"None of these utterances can be heard{f': {detail[0]}' if len(detail) else '.'}")
    digests, store = heard["digest"], StyleVectors(model, alone, cache)
    if not _missing(store, digests[usable]).empty:
        with store.alone(progress):
            store.look(mend=True)
            todo = _missing(store, digests[usable])
            seconds = (facts["frames"] / facts["rate"])[todo.index].to_numpy()
            _make(store, model, alone, corpus, corpus.table.loc[todo.index], todo.to_numpy(), seconds, cache, progress)
    found = np.stack([store[digest][0, 0].numpy() for digest in digests[usable]])
    vectors = np.full((len(rows), found.shape[1]), np.nan, dtype="float32")
    vectors[usable] = found
    return vectors


def _missing(store, digests):
    """Of some digests those that have no vector, each once."""
    return digests[~digests.map(store.__contains__).astype(bool) & ~digests.duplicated()]


def _find(source, corpus, facts, cache):
    """The model, and whether its frozen encoder alone is asked for."""
    if isinstance(source, EmoSphereModel | ReadyModel):
        return source, False
    name, folder = str(source), Path(source).is_dir()
    device = "cuda" if torch.cuda.is_available() else "cpu"
    if is_ready(name) or (folder and read_settings(name).get("model_type") not in ENCODERS):
        return load_model(source).to(device), False
    settings = {}
    if name in PRESETS and not folder:
        config = Config.create(name)
        name, settings = config.encoder, {"layer": config.layer, "frame_stride": config.frame_stride}
    store = Path(cache).parent / "encoders"
    if find_encoder(name, store=store).model_type != "whisper":  # whose log-mel takes samples as they are
        settings["waveform_mean"], settings["waveform_std"] = _loudness(corpus, facts)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)  # the tiny encoder is made anew each time
        model = build_model(name, store=store, encoder_trained="nothing", pooling="statistics", **settings)
    return model.to(device), True


def _loudness(corpus, facts):
    """Mean and deviation of the training split's samples, as a run takes them (`training.preparation`), so that the
    frames that it has left are found; of all utterances where there is no such split."""
    usable = problems(corpus, facts)["finding"] == ""
    train = facts.loc[corpus.rows("train").index]
    heard = train[usable[train.index]]
    heard = heard if len(heard) else facts[judge(facts)[0] == ""]
    duration = (heard["frames"] / heard["rate"]).sum()
    mean = (heard["total"] / heard["rate"]).sum() / duration
    std = np.sqrt((heard["total_squares"] / heard["rate"]).sum() / duration - mean**2)
    return float(mean), float(std)


def _make(store, model, alone, corpus, rows, digests, seconds, cache, progress):
    frames = Frames(model, cache) if isinstance(model, EmoSphereModel) and model.frozen else None
    known = np.array([frames is not None and digest in frames for digest in digests])
    device, training = next(model.parameters()).device, model.training
    limit = {"seconds": GPU_SECONDS} if device.type == "cuda" and model.config.exact else {"batch_size": 1}
    made, kept = {}, time.monotonic()
    model.eval()
    with stoppable(), bar(total=len(rows), desc="style", unit="utterance", disable=not progress, delay=1) as shown:
        try:
            for some in (known, ~known):
                places = np.flatnonzero(some)
                if not len(places):
                    continue
                framed = some is known
                dataset = FramedUtterances(frames, digests[some]) if framed else Utterances(corpus, rows[some])
                for batch in make_loader(dataset, GroupedBatches(seconds[some], **limit)):
                    at = places[batch["positions"].numpy()]
                    with torch.inference_mode():
                        vectors = _pooled(model, alone, inputs(batch, device)).float().cpu()
                    made |= {digests[place]: vector[None, None] for place, vector in zip(at, vectors, strict=True)}
                    shown.update(len(at))
                    if time.monotonic() - kept > KEEP_EVERY:
                        store.keep(made)
                        made, kept = {}, time.monotonic()
        except (MemoryError, RuntimeError) as error:
            if not is_shortage(error):
                raise
            raise FrameError(shortage("for style vectors", rows["utterance"].to_numpy()[at], seconds[at])) from error
        finally:  # also when it is interrupted
            store.keep(made)
            model.train(training)


def _pooled(model, alone, batch):
    """(batch, width) torch.Tensor"""
    if isinstance(model, ReadyModel):
        return model(**batch).style
    states, mask = batch.get("frames"), batch["attention_mask"]
    if states is None:
        states, mask = model.hidden_states(batch["input_values"], mask)
        if model.frozen:  # as they would be kept, or a vector would hang on whether they are
            states = states.half()
    if not alone:
        return model(frames=states, attention_mask=mask, auxiliary=False).style
    inside = mask[..., None, None].double()  # (batch, frames, 1, 1)
    count = inside.sum(1)
    mean = (states * inside).sum(1) / count  # (batch, states, width)
    deviation = (((states - mean[:, None]) ** 2 * inside).sum(1) / count).sqrt()
    return torch.cat([mean, deviation], -1).flatten(1)
