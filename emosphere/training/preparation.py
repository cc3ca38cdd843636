"""What a run needs before it can train: usable rows, their lengths and classes, class weights, the model."""

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from accelerate.utils import set_seed

from ..config import Config
from ..corpora import Corpus, CorpusError, problems, read, scan
from ..data import Utterances, auxiliary_classes
from ..data.frames import FramedUtterances, Frames
from ..data.framing import make_frames
from ..model import EmoSphereModel, build_model
from ..model.encoders import find_encoder
from ..sphere import inverse_frequency_weights
from ..utils import counted
from .notes import reasons, shared_sounds, shared_speakers

SPLITS = ("train", "validation", "test")


@dataclass(frozen=True)
class Prepared:
    """A corpus made ready for a run: ``rows`` and ``seconds`` (of audio) by split, auxiliary ``classes`` by split.

    ``waveform`` is (mean, standard deviation) over all samples of the training split, ``weights`` the class weights,
    ``notes`` what a reader of the results should know, ``digests`` (by index of the corpus' table) of what is heard,
    ``frames`` of a frozen encoder once they are made.
    """

    config: Config
    cache: Path
    corpus: Corpus
    rows: dict[str, pd.DataFrame]
    seconds: dict[str, np.ndarray]
    classes: dict[str, np.ndarray]
    class_names: tuple[str, ...]
    weights: np.ndarray
    waveform: tuple[float, float]
    notes: tuple[str, ...]
    digests: pd.Series
    frames: Frames | None = None

    def utterances(self, split: str, max_seconds: float | None = None) -> Utterances | FramedUtterances:
        """Dataset of a split: its waveforms, or its frames if the encoder is frozen; the beginning of each alone."""
        if self.frames is None:
            return Utterances(self.corpus, self.rows[split], max_seconds)
        return FramedUtterances(self.frames, self.digests[self.rows[split].index], max_seconds)

    def class_table(self) -> pd.DataFrame:
        """pandas.DataFrame: ``name``, ``utterances`` (training) and ``weight`` of each auxiliary class."""
        counts = np.bincount(self.classes["train"][self.classes["train"] >= 0], minlength=len(self.class_names))
        columns = {"name": self.class_names, "utterances": counts[: len(self.class_names)]}
        return pd.DataFrame({**columns, "weight": self.weights[: len(self.class_names)]})


def prepare(config: Config, *, cache: str | Path = "data/cache", progress: bool = True) -> Prepared:
    """Loads the corpus, leaves out what cannot be used, and measures what the run needs to know of it.

    Raises
    ------
    CorpusError
        If a split has too few usable utterances.
    """
    corpus = read(config.corpus, config.root, **config.corpus_options)
    # every file is decoded once, here: lengths, loudness, and which ones are broken
    facts = scan(corpus, cache=cache, progress=progress)
    length = facts["frames"] / facts["rate"]
    corpus = corpus.replace(table=corpus.table.assign(duration=length.fillna(corpus.table["duration"])))
    notes, wrong = list(corpus.notes), problems(corpus, facts)
    rows, seconds, classes = {}, {}, {}
    names: tuple[str, ...] = ()
    for split in SPLITS:
        rated = corpus.rows(split, no_agreement=split == "train" and not config.preprocessing)
        lost = wrong.loc[rated.index[wrong["finding"][rated.index] != ""]]
        chosen = rated.drop(lost.index)
        if len(lost) > len(rated) / 2 and not config.allow_missing_audio:
            raise CorpusError(
                f"{len(lost):,} of the {counted(len(rated), 'rated utterance')} of the {split} split of {corpus.name} "
                f"cannot be used: {reasons(corpus, lost)}. Is {corpus.root} the right folder, and whole? "
                "allow_missing_audio=True takes what is there."
            )
        if len(lost):
            notes.append(
                f"{counted(len(lost), f'{split} utterance')} left out: {reasons(corpus, lost)} (validate lists all)."
            )
        if config.limit is not None and len(chosen) > config.limit:
            chosen = chosen.sample(config.limit, random_state=0).sort_index()
            notes.append(f"Only {config.limit} {split} utterances are used (limit).")
        if len(chosen) < (least := config.batch_size if split == "train" else 2):
            members = wrong[corpus.table["split"] == split]
            why = reasons(corpus, members[members["finding"] != ""]) or (
                f"{len(rated):,} of its {len(members):,} utterances are rated, and not of category X"
                if len(members)
                else f"no utterance has the split {split}"
            )
            raise CorpusError(
                f"The {split} split of {corpus.name} has {counted(len(chosen), 'usable utterance')}, and a run needs "
                f"at least {least}{' (one batch)' if split == 'train' else ''}: {why}."
            )
        rows[split] = chosen
        seconds[split] = length[chosen.index].to_numpy()
        classes[split], names = auxiliary_classes(corpus, chosen, config.auxiliary, config.grid)
    notes += shared_speakers(rows) + shared_sounds(rows, facts)
    if config.auxiliary == "category" and len(set(classes["train"]) - {-1}) < 2:
        there = rows["train"]["emotion"].value_counts().head(5).to_dict()
        raise CorpusError(
            f"auxiliary=category needs training utterances of two categories at least. The emotions of "
            f"{corpus.name} are {there or 'not given'}: write letters or names ({', '.join(names)}), or "
            "choose another auxiliary task."
        )
    if config.auxiliary == "category" and (without := int((classes["train"] < 0).sum())):
        notes.append(
            f"{counted(without, 'train utterance')} with none of the eight categories, and so not in the "
            "auxiliary loss."
        )
    weights = inverse_frequency_weights(classes["train"], len(names)) if names else np.ones(0)
    empty = [name for name, weight in zip(names, weights, strict=True) if weight == 0]
    if empty:
        notes.append(
            f"No training utterance in {len(empty)} of {len(names)} classes, whose weight is 0: {'; '.join(empty)}."
        )
    heard = facts.loc[rows["train"].index]
    # per second rather than per sample, since files may differ in rate
    duration = (heard["frames"] / heard["rate"]).sum()
    mean = (heard["total"] / heard["rate"]).sum() / duration
    std = np.sqrt((heard["total_squares"] / heard["rate"]).sum() / duration - mean**2)
    return Prepared(
        config,
        Path(cache),
        corpus,
        rows,
        seconds,
        classes,
        names,
        weights,
        (float(mean), float(std)),
        tuple(notes),
        facts["digest"],
    )


def new_model(prepared: Prepared, config: Config | None = None) -> EmoSphereModel:
    """The untrained `EmoSphereModel` of a run; its pretrained encoder is loaded, the rest is seeded.

    ``config`` is another one than that for which the corpus was prepared.
    """
    config = config or prepared.config
    set_seed(config.seed)
    store = prepared.cache.parent / "encoders"
    # a log-mel takes samples as they are, and its clamp and layer norms see to the level
    as_it_is = find_encoder(config.encoder, store=store).model_type == "whisper"
    mean, std = (0.0, 1.0) if as_it_is else prepared.waveform
    return build_model(
        config.encoder,
        store=store,
        **{
            name: getattr(config, name)
            for name in (
                "layer",
                "frame_stride",
                "encoder_trained",
                "pooling",
                "style_width",
                "head_width",
                "head_dropout",
                "auxiliary",
                "azimuth",
                "elevation",
                "spacing",
            )
        },
        classes=len(prepared.class_names),
        scale=tuple(map(float, prepared.corpus.scale)),
        waveform_mean=mean,
        waveform_std=std,
        trained_on=f"{prepared.corpus.name}, preset {config.preset}, seed {config.seed}",
    )


def with_frames(prepared: Prepared, model: EmoSphereModel, *, progress: bool = True) -> Prepared:
    """What `prepare` gave, with the frames of a frozen encoder, made if need be; tells the model how they spread.

    Parameters
    ----------
    model : EmoSphereModel
        From `new_model`.

    Returns
    -------
    Prepared
        As it was, if the encoder is not frozen.

    Raises
    ------
    FrameError
        If they cannot be made or kept.
    """
    if not model.frozen:
        return prepared
    config, frames = prepared.config, Frames(model, prepared.cache)
    rows = pd.concat([prepared.rows[split] for split in SPLITS])
    seconds = pd.Series(np.concatenate([prepared.seconds[split] for split in SPLITS]), index=rows.index)
    threads = torch.get_num_threads()
    torch.set_num_threads(config.threads or threads)  # whoever makes them, they are what training would have made
    try:
        make_frames(
            frames,
            model,
            prepared.corpus,
            rows,
            prepared.digests,
            seconds,
            workers=config.workers,
            at_a_time=config.micro_batch_seconds,
            progress=progress,
        )
    finally:
        torch.set_num_threads(threads)
    mean, std = frames.statistics(prepared.digests[prepared.rows["train"].index])
    model.frame_mean.copy_(mean)  # in place, on whatever device the model is
    model.frame_std.copy_(std)
    return replace(prepared, frames=frames)
