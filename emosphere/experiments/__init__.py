"""Many runs through papermill, and their results as the paper's tables.

A run of a variant lives in ``runs/<experiment>/<variant>/seed<k>/``. Variants are data: a YAML file names each and
states only its difference from the preset.

References
----------
.. [1] Cho et al., "EmoSphere-SER", Interspeech 2025, tables 1 to 3.
"""

import html
import json
import logging
import time
from pathlib import Path

import numpy as np
import pandas as pd
import papermill
import yaml
from IPython.display import HTML

from ..config import Config, ConfigError, is_complete
from ..progress import bar
from ..sphere import DIMENSIONS

# Tables 1 to 3 of the paper: CCC for valence, arousal, dominance and their average; Table 3 also macro F1 and
# accuracy of the region in per cent. MSP-Podcast, wavlm-large, one run each.
PUBLISHED = {
    "full": (0.6952, 0.7482, 0.6220, 0.6884),
    "no_preprocessing": (0.6953, 0.7447, 0.6166, 0.6855),
    "no_style_pooling": (0.6908, 0.7456, 0.6192, 0.6852),
    "no_auxiliary": (0.6845, 0.7349, 0.6210, 0.6801),
    "constant_weight": (0.6951, 0.7405, 0.6267, 0.6875),
    "category_auxiliary": (0.6912, 0.7342, 0.6281, 0.6845),
    "plain_cross_entropy": (0.6968, 0.7352, 0.6308, 0.6876),
    "angle_60": (0.6962, 0.7376, 0.6250, 0.6863),
    "angle_45": (0.6833, 0.7385, 0.6204, 0.6808),
}
PUBLISHED_REGIONS = {"full": (36.27, 59.51), "angle_60": (17.96, 31.95), "angle_45": (4.77, 16.95)}

TABLES = {
    "table1": {"full": "EmoSphere-SER", "no_preprocessing": "w/o data preprocessing",
               "no_style_pooling": "w/o style pooling layer, too", "no_auxiliary": "w/o auxiliary loss, too"},
    "table2": {"constant_weight": "w/o dynamic weighting", "category_auxiliary": "w/ categorical recognition",
               "plain_cross_entropy": "w/ cross entropy", "full": "EmoSphere-SER (proposed)"},
    "table3": {"angle_45": "32 (45°)", "angle_60": "18 (60°)", "full": "8 (90°)"},
}  # fmt: skip

CCCS = [*(f"ccc_{name}" for name in DIMENSIONS), "ccc_mean"]
COLUMNS = [*DIMENSIONS, "average"]


def load_variants(path):
    """The variants of a YAML file, each checked against the parameters of a run.

    Returns
    -------
    dict of str to dict

    Raises
    ------
    ConfigError
        Naming the file, the variant and what is wrong with it.
    """
    try:
        variants = yaml.safe_load(Path(path).read_text())
    except (OSError, yaml.YAMLError) as error:
        raise ConfigError(f"{path} cannot be read as YAML: {error}") from None
    if not isinstance(variants, dict):
        raise ConfigError(f"{path} must map names of variants to their differences; it holds {variants!r}.")
    for name, changes in variants.items():
        try:
            Config.create("tiny", **(changes or {}))
        except (ConfigError, TypeError) as error:
            raise ConfigError(f"{path}, variant {name!r}: {error}") from None
    return {name: changes or {} for name, changes in variants.items()}


def run_notebook(notebook, output, parameters, *, progress=False):
    """Executes a notebook headlessly and keeps the executed copy, also when a cell fails.

    Parameters
    ----------
    notebook, output : path-like
        Source and executed notebook; it runs in the folder of the source.
    parameters : dict
        Must be known to the notebook's parameters cell.

    Raises
    ------
    ConfigError
        For a parameter that the notebook does not have, before anything runs.
    """
    notebook, output = Path(notebook), Path(output)
    known = papermill.inspect_notebook(str(notebook))
    for name in parameters:
        if name not in known:
            raise ConfigError(f"{notebook.name} has no parameter {name!r}; it has {', '.join(known)}.")
    output.parent.mkdir(parents=True, exist_ok=True)
    logging.getLogger("papermill").setLevel(logging.ERROR)
    quiet = ["--log-level=ERROR"]  # each kernel would warn that it listens on a local port
    papermill.execute_notebook(str(notebook), str(output), parameters, cwd=str(notebook.parent),
                               progress_bar=progress, kernel_name="python3", extra_arguments=quiet)  # fmt: skip


def run_variants(experiment, variants, *, seeds=(0,), runs="../runs", notebook="05_training.ipynb", progress=True,
                 **settings):  # fmt: skip
    """Trains what is missing of an experiment, each run by papermill on the training notebook.

    Parameters
    ----------
    experiment : str
        Name of its folder in `runs`.
    variants : dict of str to dict
        As `load_variants` gives them.
    seeds : sequence of int
    **settings
        Parameters common to all runs, such as ``preset``, ``corpus``, ``root``.

    Returns
    -------
    pandas.DataFrame
        `collect` of the experiment.

    Raises
    ------
    ConfigError
        Before anything runs: for an impossible parameter, or a run folder that holds a run with other parameters.
    """
    missing = {}
    for name, changes in variants.items():
        for seed in seeds:
            folder = Path(runs).resolve() / experiment / name / f"seed{seed}"  # papermill changes the folder
            parameters = {**settings, **changes, "seed": seed}
            if not (Config.create(**parameters).is_in(folder) and is_complete(folder)):
                missing[folder] = parameters
    with bar(missing.items(), unit="run", disable=not progress or not missing) as shown:
        for folder, parameters in shown:
            shown.set_description(f"{folder.parent.name}, seed {parameters['seed']}")
            run_notebook(notebook, folder / "05_training.ipynb", {**parameters, "folder": str(folder)})
    return collect(Path(runs) / experiment)


def collect(experiment):
    """Scores of every complete run of an experiment.

    Returns
    -------
    pandas.DataFrame
        A row a run: ``variant``, ``seed``, ``preset``, ``corpus``, then the figures of `emosphere.metrics.scores`.
    """
    rows = []
    for path in sorted(Path(experiment).glob("*/seed*/scores.json")):
        config = Config.load(path.parent / "config.json")
        rows.append({"variant": path.parent.parent.name, "seed": config.seed, "preset": config.preset,
                     "corpus": config.corpus, **json.loads(path.read_text())})  # fmt: skip
    return pd.DataFrame(rows)


def caption(results):
    """One sentence that says what the figures are from: corpus, preset, seeds, test set.

    Raises
    ------
    ValueError
        If the runs do not belong into one table: another corpus, preset or test set.
    """
    for column in ("corpus", "preset", "utterances"):
        if results[column].nunique() > 1:
            found = ", ".join(map(str, results[column].unique()))
            raise ValueError(f"These runs do not belong into one table; they differ in {column}: {found}.")
    first, seeds = results.iloc[0], sorted(results["seed"].unique())
    which = f"{'seed' if len(seeds) == 1 else 'mean over seeds'} {', '.join(map(str, seeds))}"
    text = f"Ours: corpus {first['corpus']}, preset {first['preset']}, {which}, {first['utterances']} test utterances."
    published = "Published: MSP-Podcast, wavlm-large, one run each (Cho et al. 2025)."
    if (first["corpus"], first["preset"]) != ("msp_podcast", "paper"):
        published += " Another corpus and model: the two sides are not comparable, and ours is no reproduction."
    return f"{text} {published}"


def tables(results):
    """Tables 1, 2 and 3 of the paper, ours beside the published numbers; a missing run is NaN.

    Parameters
    ----------
    results : pandas.DataFrame
        As `collect` gives it.

    Returns
    -------
    dict of str to pandas.DataFrame
        ``table1``, ``table2``, ``table3``: rows in the paper's order, columns ("ours" or "published", figure). Region
        figures of Table 3 are per cent. ``attrs["caption"]`` says what they are from.
    """
    text = caption(results)
    ours = results.groupby("variant")[[*CCCS, "region_macro_f1", "region_accuracy"]].mean()
    found = {}
    for title, variants in TABLES.items():
        names = list(variants)
        left = ours.reindex(names)
        parts = {"ours": left[CCCS].set_axis(COLUMNS, axis=1)}
        parts["published"] = pd.DataFrame([PUBLISHED[name] for name in names], index=names, columns=COLUMNS)
        if title == "table3":
            for side, values in (("ours", left[["region_macro_f1", "region_accuracy"]].to_numpy(dtype=float) * 100),
                                 ("published", np.array([PUBLISHED_REGIONS[name] for name in names]))):  # fmt: skip
                parts[side][["macro F1, %", "accuracy, %"]] = values
        table = pd.concat(parts, axis=1)
        table.index = pd.Index([variants[name] for name in names], name="N (angle)" if title == "table3" else "method")
        table.attrs["caption"] = text
        found[title] = table
    return found


def show(table):
    """A table as a notebook shows it: caption, best of each column bold, missing runs named.

    Returns
    -------
    IPython.display.HTML
        Without a style sheet, which JupyterLab drops from notebooks that somebody else has executed.
    """
    cells = table.copy().astype(object)
    for column in table.columns:
        digits = 2 if "%" in column[1] else 4
        best = table[column].max()
        cells[column] = [
            "not run" if np.isnan(value) else f"<b>{value:.{digits}f}</b>" if value == best else f"{value:.{digits}f}"
            for value in table[column]
        ]
    return HTML(f"<p>{html.escape(table.attrs['caption'])}</p>{cells.to_html(escape=False)}")


def export(tables, folder):
    """Writes each table as CSV; the columns say whose figures they hold, a last line what they are from."""
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    for name, table in tables.items():
        flat = table.set_axis([f"{figure} ({side})" for side, figure in table.columns], axis=1)
        text = flat.round(4).to_csv(na_rep="not run") + f"# {table.attrs['caption']}\n"
        (folder / f"{name}.csv").write_text(text)


def walk(experiment="embedded", *, notebooks="notebooks", runs="runs"):
    """The numbered notebooks in order on the embedded corpus, each timed; complete runs are used again.

    The executed notebooks lie in ``runs/<experiment>/``, those of the training runs in their own folders.
    """
    started = time.perf_counter()
    notebooks, folder = Path(notebooks), Path(runs) / experiment
    for notebook in sorted(notebooks.glob("0[1-7]_*.ipynb")):
        begun = time.perf_counter()
        if notebook.stem == "05_training":
            variants = load_variants(notebooks / "experiments.yaml")
            run_variants(experiment, variants, runs=runs, notebook=notebook, root="../data/embedded")
        else:
            watched = "interactive" in papermill.inspect_notebook(str(notebook))
            run_notebook(notebook, folder / notebook.name, {"interactive": False} if watched else {})
        print(f"{notebook.stem}: {time.perf_counter() - begun:.0f} s", flush=True)
    print(f"All in {time.perf_counter() - started:.0f} s. Executed notebooks and runs are in {folder}, tables and "
          f"figures in figures/{experiment}.")  # fmt: skip
