"""A run's files to the text of its model's card."""

import json
import re
import struct
from dataclasses import asdict
from pathlib import Path, PureWindowsPath

import numpy as np

from ..config import NAMED
from ..corpora import CATEGORIES
from ..run import Run, read_json
from ..sphere import RegionGrid
from ..utils import clear_leftovers, counted, markdown, replacing
from . import measured
from .speakers import speakers_told, who
from .words import CARD, CEILING, CORPORA

FILES = (
    "config.json",
    "environment.json",
    "notes.txt",
    "history.csv",
    "predictions.csv",
    "model/config.json",
    "model/model.safetensors",
)


def write_card(folder):
    """Writes `model_card` of a run to README.md in its model's folder.

    Parameters
    ----------
    folder : path-like
        Of the run, into which nobody else may be writing.

    Returns
    -------
    pathlib.Path
        The card.

    Raises
    ------
    ValueError
        As `model_card`.
    """
    text = model_card(folder)
    path = Path(folder) / "model" / "README.md"
    clear_leftovers(path.parent)  # of a run that was killed here
    with replacing(path) as temporary:
        temporary.write_text(text, encoding="utf-8")
    return path


def model_card(folder):
    """The card of a run's model: Markdown behind the front matter that the Hugging Face Hub reads.

    Parameters
    ----------
    folder : path-like
        Of a run whose test split has been predicted.

    Returns
    -------
    str

    Raises
    ------
    ValueError
        If one of the files that it is made of is absent.
    """
    folder, run = Path(folder), Run(folder)
    absent = [name for name in FILES if not (folder / name).is_file()]
    if absent:
        raise ValueError(f"{folder} can have no card, since it has no {absent[0]}: give the folder of a complete run.")
    config = asdict(run.config)
    facts, model = run.environment(), read_json(run.model_folder / "config.json")
    predictions, history = run.predictions(), run.history()
    name, sizes = config["corpus"], facts.get("splits", {})
    about, languages, limit, licence = CORPORA[name]
    grid = RegionGrid(model["azimuth"], model["elevation"], model["spacing"])
    ceiling = run.ceiling()
    encoder, encoder_licence, base = _encoder(config, model["encoder_config"]["model_type"])
    return CARD.format(
        front=_front(name == "embedded" and config["encoder"] in ("tiny", *NAMED), base, languages),
        corpus=name,
        about=about,
        dimensions=", ".join(model["dimensions"]),
        low=model["scale"][0],
        high=model["scale"][1],
        auxiliary=f" and names the region of their sphere, one of {len(grid)}" * (config["auxiliary"] == "region"),
        seed=config["seed"],
        tested=_tested(config, predictions, sizes),
        figures=measured.figures(predictions, ceiling),
        regions=measured.regions(predictions, grid, ceiling),
        highest=CEILING if ceiling else "",
        interval=measured.interval(predictions),
        poor=measured.poor(predictions),
        limit=limit,
        spread=measured.spread(predictions),
        lengths=_lengths(config, sizes),
        groups=measured.groups(predictions),
        encoder=encoder,
        pooling={"style": "style pooling", "statistics": "attentive statistics pooling"}[model["pooling"]],
        parameters=_parameters(folder / "model" / "model.safetensors"),
        task=_task(config, grid, history),
        fingerprint=facts.get("fingerprint", "unknown"),
        splits="".join(f"; {split} {_size(sizes[split])}" for split in sizes),
        training=_training(config, history),
        versions=_versions(facts),
        notes="".join(f"- {markdown(note)}\n" for note in _lines(folder / "notes.txt")),
        encoder_licence=encoder_licence,
        corpus_licence=licence,
    )


def _front(free, base, languages):
    fields = {
        "library_name": "emosphere",
        "pipeline_tag": "audio-classification",
        "license": "mit" if free else "other",
        "license_name": None if free else "see-licence-below",
        "base_model": base,
        "language": languages,
        "tags": ["speech-emotion-recognition", "valence-arousal-dominance", "emosphere"],
    }
    return "\n".join(f"{key}: {json.dumps(value)}" for key, value in fields.items() if value)


def _encoder(config, family):
    """Words for the encoder, words for its licence, and its name on the Hub if it seems to be from there."""
    name = NAMED.get(config["encoder"], config["encoder"])
    part = {"last": "its last hidden state", "weighted": "a learned mean of all its hidden states"}
    part = part.get(config["layer"], f"its hidden state {config['layer']}")
    if config["frame_stride"] > 1:
        part += f", {config['frame_stride']} frames meaned to one"
    fixed = {"nothing": "frozen", "all": "trained with the rest"}
    fixed = fixed.get(config["encoder_trained"], "trained with the rest but for its convolutions")
    if name == "tiny":
        return f"a small {family}, from scratch; {part}; {fixed}", "The encoder was trained with it.", None
    base = name if re.fullmatch(r"[A-Za-z0-9][\w.-]*/[\w.-]+", name) else None
    # of a folder the name will do, on any system: where it lay is nobody's business
    words = f"{markdown(base or PureWindowsPath(name).name)} ({family}); {part}; {fixed}"
    if family == "wavlm":
        return (
            words,
            (
                "The authors of WavLM publish it under MIT, while its pages on the Hugging Face Hub point to "
                "the licence of UniSpeech: see both."
            ),
            base,
        )
    if family == "whisper":
        return words, "OpenAI publishes Whisper's code and weights under MIT.", base
    return words, "The encoder has a licence of its own: see its card.", base


def _tested(config, predictions, sizes):
    said = f"On {who(predictions)}. {speakers_told(sizes)}"
    if config["limit"] is not None:
        said += f" **No more than {config['limit']} utterances of each split were used: a quick look, no result.**"
    return said


def _lengths(config, sizes):
    outside = "Much longer or shorter recordings, or windows, are outside of what it knows"
    if not sizes:
        return f"In training it heard {config['max_seconds']:g} s of an utterance at most. {outside}."
    low, middle, high = sizes["train"]["seconds"]
    cut = f", longer than {config['max_seconds']:g} s cut" if high > config["max_seconds"] else ""
    return (
        f"Nine of ten training utterances last {low:.1f} to {high:.1f} s (median {middle:.1f} s){cut}. {outside}; "
        "for long recordings give `windows=`."
    )


def _task(config, grid, history):
    weights = "inverse-frequency class weights" if config["weighted"] else "unweighted classes"
    first, last = history["auxiliary_weight"].iloc[[0, -1]]
    course = "with a constant weight" if first == last else f"its weight fell from {first:.3g} to {last:.3g}"
    return {
        "region": f"the region of the sphere, {grid.azimuth} × {grid.elevation} by equal {grid.spacing}, {weights}, "
        f"{course}",
        "category": f"the emotion category ({', '.join(CATEGORIES.values())}), {weights}, {course}; how well it names "
        "it was not measured",
        "none": "none",
    }[config["auxiliary"]]


def _size(size):
    return f"{counted(size['utterances'], 'utterance')} of {counted(size['speakers'], 'known speaker')}"


def _training(config, history):
    best = int(history.loc[history["best"], "epoch"].max())  # as history.csv counts them
    batch = f"{config['batch_seconds']:g} s" if config["batch_seconds"] else f"{config['batch_size']} utterances"
    rate = f"learning rate {config['learning_rate']:g} ({config['learning_rate_schedule']})"
    return (
        f"loss Σ (1 - CCC), {counted(len(history), 'epoch')}, of which epoch {best} was kept (counted from 0; "
        f"lowest validation loss); batches of {batch}, {rate}"
    )


def _versions(facts):
    commit = facts.get("commit") or "unknown"
    changed = " with changes that were not committed" * commit.endswith("+")
    parts = [f"{name} {facts[name]}" for name in ("emosphere", "torch", "transformers", "python") if name in facts]
    return ", ".join([*parts, f"commit {commit.rstrip('+')[:12]}{changed}"])


def _parameters(path):
    """Their number, from the header of the weights' file: eight bytes for its length, then JSON."""
    with open(path, "rb") as file:
        header = json.loads(file.read(struct.unpack("<Q", file.read(8))[0]))
    header.pop("__metadata__", None)
    total = sum(int(np.prod(tensor["shape"])) for tensor in header.values())
    return f"{total / 1e6:.1f} million"


def _lines(path):
    return path.read_text(encoding="utf-8").splitlines()
