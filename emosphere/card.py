"""The card of a trained model: what it is, how good it was on which test, and what it must not be used for.

Its words are the template ``card.md``; here is what has to be computed. Everything that it says is taken from the files
of the run, and nothing of when or where it was written, so that a run that was stopped and went on has the same card.

References
----------
.. [1] Mitchell et al., "Model Cards for Model Reporting", FAT* 2019.
"""

import math
import re
from pathlib import Path, PureWindowsPath

import numpy as np
import pandas as pd
from huggingface_hub import ModelCard, ModelCardData
from jinja2 import Template
from safetensors import safe_open

from .config import NAMED
from .corpora import CATEGORIES
from .metrics import accuracy, concordance_cc, concordance_interval, macro_f1, score_predictions, uncertainty
from .run import Run, read_json
from .speakers import count_speakers, describe_test
from .sphere import DIMENSIONS, RegionGrid
from .utils import clear_leftovers, counted, markdown, replacing

TEMPLATE, RESULTS = Path(__file__).with_suffix(".md"), Path(__file__).with_name("results.md")
NO_INTERVAL = "no usable interval"
LANGUAGES = {"embedded": ["en"], "msp_podcast": ["en"], "iemocap": ["en"], "emotale": ["da", "en"]}


def write_card(folder: str | Path) -> Path:
    """Writes a run's README.md: `model_card` into its model's folder, or, without a model, `results_card` into its own.

    Parameters
    ----------
    folder
        Of the run, into which nobody else may be writing.

    Raises
    ------
    ValueError
        As `model_card`.
    """
    run = Run(folder)
    trained = run.config.is_trained and run.model_folder.exists()
    text = model_card(folder) if trained else results_card(folder)
    path = (run.model_folder if trained else run.folder) / "README.md"
    clear_leftovers(path.parent)  # of a run that was killed here
    with replacing(path) as temporary:
        temporary.write_text(text, encoding="utf-8")
    return path


def model_card(folder: str | Path) -> str:
    """The card of a run's model: Markdown behind the front matter that the Hugging Face Hub reads.

    Parameters
    ----------
    folder
        Of a run whose test split has been predicted.

    Raises
    ------
    ValueError
        If one of the files that it is made of is absent.
    """
    run = Run(folder)
    settings, weights = run.model_folder / "config.json", run.model_folder / "model.safetensors"
    files = (run.config_file, run.environment_file, run.notes_file, run.history_file, run.predictions_file)
    if absent := [path for path in (*files, settings, weights) if not path.is_file()]:
        name = absent[0].relative_to(run.folder).as_posix()
        raise ValueError(f"{folder} can have no card, since it has no {name}: give the folder of a complete run.")
    config, facts, history, predictions = run.config, run.environment(), run.history(), run.predictions()
    model, ceiling = read_json(settings), run.ceiling()
    grid = RegionGrid(model["azimuth"], model["elevation"], model["spacing"])
    speakers, nameless = count_speakers(predictions)
    encoder = NAMED.get(config.encoder, config.encoder)
    base = encoder if re.fullmatch(r"[A-Za-z0-9][\w.-]*/[\w.-]+", encoder) else None  # it seems to be from the Hub
    free = config.corpus == "embedded" and config.encoder in ("tiny", *NAMED)
    data = ModelCardData(
        library_name="emosphere",
        pipeline_tag="audio-classification",
        license="mit" if free else "other",
        license_name=None if free else "see-licence-below",
        base_model=base,
        language=LANGUAGES.get(config.corpus),
        tags=["speech-emotion-recognition", "valence-arousal-dominance", "emosphere"],
    )
    card = ModelCard.from_template(
        data,
        str(TEMPLATE),
        config=config,
        facts=facts,
        model=model,
        grid=grid,
        ceiling=ceiling,
        splits=facts.get("splits", {}),
        counted=counted,
        tested=describe_test(folder),
        speakers=speakers,
        nameless=nameless,
        scores=_score_table(predictions, ceiling, run.panel()),
        panel=run.panel(),
        regions=_region_table(predictions, grid, ceiling),
        by_gender=bool(_genders(predictions)),
        spread=_spread(predictions),
        no_better=_no_better(predictions),
        idle_head=_is_idle(predictions),
        no_interval=NO_INTERVAL,
        # of a folder the name will do, on any system: where it lay is nobody's business
        encoder=markdown(base or PureWindowsPath(encoder).name),
        family=model["encoder_config"]["model_type"],
        parameters=_count_parameters(weights),
        categories=CATEGORIES.values(),
        weight=history["auxiliary_weight"].iloc[[0, -1]].tolist(),
        epochs=len(history),
        best_epoch=int(history.loc[history["best"], "epoch"].max()),  # as history.csv counts them
        notes=[markdown(note) for note in run.notes_file.read_text(encoding="utf-8").splitlines()],
    )
    return f"{card}\n"


def results_card(folder: str | Path) -> str:
    """What a run without a model of its own found, in Markdown: a baseline, a model that was tested as it is, or folds.

    Parameters
    ----------
    folder
        Of a run whose test utterances have been predicted.
    """
    run = Run(folder)
    config, facts, predictions, ceiling = run.config, run.environment(), run.predictions(), run.ceiling()
    speakers, nameless = count_speakers(predictions)
    return Template(RESULTS.read_text(encoding="utf-8")).render(
        config=config,
        facts=facts,
        model=markdown("/".join(PureWindowsPath(config.model).parts[-3:])),
        tested=describe_test(folder),
        speakers=speakers,
        nameless=nameless,
        scores=_score_table(predictions, ceiling, run.panel()),
        panel=run.panel(),
        regions=_region_table(predictions, config.grid, ceiling),
        ceiling=ceiling,
        no_interval=NO_INTERVAL,
        notes=[markdown(note) for note in run.notes_file.read_text(encoding="utf-8").splitlines()],
    )


def _format_score(value):
    return "undefined" if value is None or np.isnan(value) else f"{value:.2f}"


def _format_interval(low, high):
    return NO_INTERVAL if np.isnan(low + high) else f"{low:.2f} to {high:.2f}"


def _markdown_table(header, rows):
    return "\n".join(f"| {' | '.join(line)} |" for line in [header, ["---"] * len(header), *rows])


def _score_table(predictions, ceiling, panel):
    """A row a dimension with CCC, interval, errors and spread, and CCCs by gender if both are there."""
    sure = uncertainty({0: predictions})
    truth, predicted = (predictions[[f"{name}{end}" for name in DIMENSIONS]].to_numpy() for end in ("", "_predicted"))
    columns = {
        "RMSE": np.sqrt(np.mean((predicted - truth) ** 2, axis=0)),
        "SD of ratings": truth.std(0),
        "SD of predictions": predicted.std(0),
    }
    cells = {name: [_format_score(value) for value in values] for name, values in columns.items()}
    for gender, mask in _genders(predictions).items():
        chosen = truth[mask], predicted[mask]
        low, high = concordance_interval(*chosen, predictions["speaker"][mask])
        cells[f"CCC, {gender} ({mask.sum():,})"] = [
            f"{_format_score(value)} ({_format_interval(*limits)})"
            for value, *limits in zip(concordance_cc(*chosen), low, high, strict=True)
        ]
    rows = []
    for number, name in enumerate((*DIMENSIONS, "mean")):
        row = sure.loc[f"ccc_{name}"]
        others = [values[number] if name != "mean" else "" for values in cells.values()]
        highest = [_format_score(known[f"ccc_{name}"]) for known in (panel, ceiling) if known]
        rows.append([name, _format_score(row["value"]), _format_interval(row["low"], row["high"]), *highest, *others])
    marks = ["other raters"] * bool(panel) + ["ceiling"] * bool(ceiling)
    return _markdown_table(["", "CCC", "95 % interval", *marks, *cells], rows)


def _genders(predictions):
    """dict of str to (n,) bool: who is a woman and who a man, if there are some of both."""
    masks = {gender: (predictions["gender"] == gender).to_numpy() for gender in ("female", "male")}
    return masks if all(mask.sum() > 1 for mask in masks.values()) else {}


def _region_table(predictions, grid, ceiling):
    """How often the region was right, against always naming the most frequent one."""
    found, sure = score_predictions(predictions), uncertainty({0: predictions})
    truth = predictions["region"].to_numpy()
    most = pd.Series(truth).mode()[0]
    always = np.full(len(truth), most)
    values = {
        "region of the predicted point": (found["vad_region_accuracy"], found["vad_region_macro_f1"]),
        f"always {grid.names[most]}, the most frequent": (accuracy(truth, always), macro_f1(truth, always)),
    }
    if ceiling:
        values["ceiling"] = ceiling["region_accuracy"], ceiling["region_macro_f1"]
    rows = [[label, *map(_format_score, pair)] for label, pair in values.items()]
    if found["region_accuracy"] is not None:
        limits = sure.loc[["region_accuracy", "region_macro_f1"]]
        head = [
            f"{_format_score(found[name])} ({_format_interval(row['low'], row['high'])})"
            for name, row in limits.iterrows()
        ]
        rows.insert(0, ["region head", *head])
    return _markdown_table([f"which of the {len(grid)} regions", "accuracy", "macro F1"], rows)


def _spread(predictions):
    """Dimensions in which predictions lie closer together than ratings, and further apart, as far as one can see."""
    sides = {"closer together": [], "further apart": []}
    for name in DIMENSIONS:
        rated, predicted = (predictions[f"{name}{end}"].std(ddof=0) for end in ("", "_predicted"))
        if _format_score(rated) != _format_score(predicted):
            sides["closer together" if predicted < rated else "further apart"].append(name)
    return {side: names for side, names in sides.items() if names}


def _no_better(predictions):
    """Dimensions in which always saying the mean would be no worse."""
    errors = {name: (predictions[f"{name}_predicted"] - predictions[name]).pow(2).mean() for name in DIMENSIONS}
    return [name for name, error in errors.items() if error >= predictions[name].var(ddof=0)]


def _is_idle(predictions):
    """Whether always naming the most frequent region would be as often right as the region head, if there is one."""
    found = score_predictions(predictions)["region_accuracy"]
    return found is not None and found <= predictions["region"].value_counts(normalize=True).max()


def _count_parameters(path):
    with safe_open(path, framework="numpy") as weights:
        return sum(math.prod(part.get_shape()) for part in map(weights.get_slice, weights.keys()))
