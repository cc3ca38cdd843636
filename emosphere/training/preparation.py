"""What a run needs before it can train: usable rows, their lengths and classes, class weights, the model."""

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from accelerate.utils import set_seed

from ..config import BASELINES, Config
from ..corpora import Corpus, CorpusError, problems, read, scan
from ..corpora.splits import speaker_folds
from ..data import Utterances, auxiliary_classes
from ..data.frames import FramedUtterances, Frames
from ..data.framing import make_frames
from ..model import EmoSphereModel, build_model
from ..model.encoders import find_encoder
from ..sphere import inverse_frequency_weights
from ..utils import counted
from .notes import class_notes, reasons, shared_sounds, shared_speakers, too_few
from .provenance import depends

SPLITS = ("train", "validation", "test")


@dataclass(frozen=True)
class Prepared:
    """A corpus made ready for a run: ``rows`` and ``seconds`` (of audio) by split, auxiliary ``classes`` by split.

    A trained model that is tested as it is needs the test split alone. ``waveform`` is (mean, standard deviation) over
    all samples of the training split, ``weights`` the class weights, ``notes`` what a reader of the results should
    know, ``digests`` (by index of the corpus' table) of what is heard, ``depends`` the fingerprints of labels and
    audio, ``frames`` of a frozen encoder once they are made.
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
    depends: dict[str, str]
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
    fingerprints = depends(corpus, facts["digest"])
    columns = {"duration": length.fillna(corpus.table["duration"]), "split": _splits(corpus, config)}
    corpus = corpus.replace(table=corpus.table.assign(**columns))
    notes, wrong = list(corpus.notes), problems(corpus, facts)
    rows, seconds, classes = {}, {}, {}
    names: tuple[str, ...] = ()
    fitted = config.is_trained or config.model in BASELINES
    for split in SPLITS if fitted else ("test",):
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
            raise CorpusError(too_few(corpus, wrong, split, len(rated), len(chosen), least))
        rows[split] = chosen
        seconds[split] = length[chosen.index].to_numpy()
        classes[split], names = auxiliary_classes(corpus, chosen, config.auxiliary, config.grid)
    notes += shared_speakers(rows) + shared_sounds(rows, facts)
    weights, waveform = np.ones(0), (0.0, 1.0)
    if fitted:
        notes += class_notes(corpus, rows["train"], classes["train"], names, config)
        weights = inverse_frequency_weights(classes["train"], len(names)) if names else weights
        waveform = _loudness(facts.loc[rows["train"].index])
        empty = [name for name, weight in zip(names, weights, strict=True) if weight == 0] if names else []
        if empty and config.is_trained:  # a baseline has no use for classes
            notes.append(
                f"No training utterance in {len(empty)} of {len(names)} classes, whose weight is 0: {'; '.join(empty)}."
            )
    return Prepared(
        config,
        Path(cache),
        corpus,
        rows,
        seconds,
        classes,
        names,
        weights,
        waveform,
        tuple(notes),
        facts["digest"],
        fingerprints,
    )


def _splits(corpus: Corpus, config: Config) -> pd.Series:
    """The corpus' own splits; or, if asked for, folds of its speakers, or all that it uses as the test split."""
    own = corpus.table["split"]
    if config.folds and config.fold is not None:
        speakers = corpus.table["speaker"][own.notna()]
        folds = speaker_folds(speakers, config.folds, config.fold, config.corpus_options.get("seed", 0))
        return pd.Series(folds, speakers.index).reindex(own.index)
    return own.mask(own.notna(), "test") if config.tested == "all" else own


def _loudness(heard: pd.DataFrame) -> tuple[float, float]:
    """Mean and standard deviation over all samples, each second counting alike, since files may differ in rate."""
    duration = (heard["frames"] / heard["rate"]).sum()
    mean = (heard["total"] / heard["rate"]).sum() / duration
    std = np.sqrt((heard["total_squares"] / heard["rate"]).sum() / duration - mean**2)
    return float(mean), float(std)


def new_model(prepared: Prepared, config: Config | None = None, begun: EmoSphereModel | None = None) -> EmoSphereModel:
    """The untrained `EmoSphereModel` of a run; its pretrained encoder is loaded, the rest is seeded.

    ``config`` is another one than that for which the corpus was prepared; ``begun`` a trained model whose weights it
    will get, and of which it hears the waveform and the frames as that one does.
    """
    config = config or prepared.config
    set_seed(config.seed)
    store = prepared.cache.parent / "encoders"
    # a log-mel takes samples as they are, and its clamp and layer norms see to the level
    as_it_is = find_encoder(config.encoder, store=store).model_type == "whisper"
    mean, std = (0.0, 1.0) if as_it_is else prepared.waveform
    if begun is not None:
        mean, std = begun.config.waveform_mean, begun.config.waveform_std
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
        standardised=None if begun is None else begun.standardised,
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
    prepared = framed(prepared, model, progress=progress)
    assert prepared.frames is not None
    mean, std = prepared.frames.statistics(prepared.digests[prepared.rows["train"].index])
    model.frame_mean.copy_(mean)  # in place, on whatever device the model is
    model.frame_std.copy_(std)
    return prepared


def framed(prepared: Prepared, model: EmoSphereModel, *, progress: bool = True) -> Prepared:
    """What `prepare` gave, with the frames of a model that knows already how they spread, if its encoder is frozen."""
    if not model.frozen:
        return prepared
    config, frames = prepared.config, Frames(model, prepared.cache)
    rows = pd.concat(prepared.rows.values())
    seconds = pd.Series(np.concatenate(list(prepared.seconds.values())), index=rows.index)
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
    return replace(prepared, frames=frames)
