"""Models on each other's corpora: what each was trained on against what it is tested on."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from ..config import Config, ConfigError
from ..metrics import uncertainty
from ..plots import crossing_map, save
from ..run import Run
from ..sphere import DIMENSIONS
from ..utils import markdown, replacing
from .comparing import complete_runs

NAMES = (*DIMENSIONS, "mean")
CAVEATS = (
    "A model's ratings are mapped linearly from its own scale to that of the corpus; what the ends of two scales mean, "
    "who rated, in which language and whether speech was enacted differ as well, and the CCC counts every shift and "
    "stretch against the model. r, the correlation, does not: where it is high and the CCC low, the model hears the "
    "order and not the level."
)


def cross_corpus(
    models: Sequence[str | Path],
    folder: str | Path = "runs/cross",
    *,
    cache: str | Path = "data/cache",
    progress: bool = True,
) -> pd.DataFrame:
    """Every model on every corpus of the others, each on the test utterances of the corpus' own runs.

    Other labels, other splits or another limit are another corpus, which then bears the name of its runs as well.

    Parameters
    ----------
    models
        Folders of variants, whose runs are those of several seeds (``runs/embedded/full``), or of single runs; and
        ready models, by name or folder, which bring no corpus of their own. Of a run in folds, seed k lends the model
        of fold k (and begins again after the last), and all folds together are the corpus' test.
    folder
        Where the evaluations go; complete ones are used again.
    cache, progress
        As in `emosphere.training.train`.

    Returns
    -------
    pandas.DataFrame
        A row for each pair and each of valence, arousal, dominance and their mean: ``trained on``, ``tested on``,
        ``dimension``, ``ccc`` (mean over seeds), ``low``, ``high`` (95 %), ``r`` (mean over seeds), ``seeds``,
        ``utterances``. ``attrs["caption"]`` has the caveats.

    Raises
    ------
    ConfigError
        If none of the models was trained here, so that there is no corpus, or two models have one name.
    """
    from ..training import evaluate  # only here: they need PyTorch
    from ..training.notes import is_of

    rows = {_label(model): complete_runs(Path(model)) for model in models}
    if len(rows) < len(models):
        raise ConfigError(f"Two of the models have one name, and results would be mixed up: {', '.join(rows)}.")
    corpora: dict[tuple, tuple[str, str, Config]] = {}  # name, owner and configuration, by what is tested
    names: set[str] = set()
    tests = {label: {seed: _test(run) for seed, run in runs.items()} for label, runs in rows.items()}
    for label, runs in rows.items():
        for seed, run in runs.items():
            if tests[label][seed] not in corpora:
                name = _corpus(run.config)
                name = f"{name} of {label}" if name in names else name
                name = f"{name}, seed {seed}" if name in names else name
                names.add(name)
                corpora[tests[label][seed]] = name, label, run.config
    if not corpora:
        raise ConfigError("None of these models was trained here, so there is no corpus to test on; add one that was.")
    found, known = [], []
    for (label, runs), model in zip(rows.items(), models, strict=True):
        for test, (name, owner, config) in corpora.items():
            tables = {}
            asked: dict[int, Run | None] = {**runs} or {0: None}
            for seed, own in asked.items():
                if own is not None and tests[label][seed] == test:
                    tables[seed] = own.predictions()
                    continue
                tested = evaluate(
                    model if own is None else _model(own),
                    Path(folder) / f"{label}-on-{owner}" / f"seed{seed}",
                    corpus=config.corpus,
                    root=_root(config),
                    tested="all" if config.folds else "test",
                    cache=cache,
                    progress=progress,
                    corpus_options=config.corpus_options,
                    limit=config.limit,
                )
                tables[seed] = Run(tested).predictions()
                if is_of(Run(tested).environment()["trained_on"], config.corpus):
                    known.append(f"{label} on {name}")
            found.append(_scored(label, name, tables))
    table = pd.concat(found, ignore_index=True)
    told = f" Trained on a corpus of this name, perhaps on what is tested: {'; '.join(dict.fromkeys(known))}."
    table.attrs["caption"] = CAVEATS + told * bool(known)
    return table


def report_crossing(table: pd.DataFrame, folder: str | Path) -> str:
    """Writes the table of `cross_corpus` as CSV and Markdown and its heat map as HTML; the Markdown.

    Parameters
    ----------
    table
    folder
        Of the files ``cross.csv``, ``cross.md`` and ``cross.html``.
    """
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    cells = table.assign(
        cell=[
            f"{row.ccc:.2f}" + ("" if np.isnan(row.low) else f" [{row.low:.2f}, {row.high:.2f}]") + f", r {row.r:.2f}"
            for row in table.itertuples()
        ]
    )
    wide = cells.pivot_table(index=["trained on", "tested on"], columns="dimension", values="cell", aggfunc="first")
    wide = wide.reindex(index=list(dict.fromkeys(zip(table["trained on"], table["tested on"], strict=True))))
    lines = [["trained on", "tested on", *NAMES], ["---"] * (2 + len(NAMES))]
    lines += [[*map(markdown, pair), *row[list(NAMES)]] for pair, row in wide.iterrows()]
    text = "\n".join(f"| {' | '.join(line)} |" for line in lines)
    text = f"CCC [95 % interval], r.\n\n{text}\n\n{table.attrs['caption']}\n"
    for name, content in (("cross.csv", table.to_csv(index=False, lineterminator="\n")), ("cross.md", text)):
        with replacing(folder / name) as temporary:
            temporary.write_text(content, encoding="utf-8")
    save(crossing_map(table), folder / "cross.html")
    return text


def _label(model):
    """runs/embedded/full is embedded-full; the name of a ready model is its last part."""
    parts = Path(model).parts
    return "-".join(parts[-2:]) if complete_runs(Path(model)) and len(parts) > 1 else parts[-1]


def _corpus(config):
    """A corpus as the matrix names it."""
    return f"{config.corpus} ({config.folds} folds)" if config.folds else config.corpus


def _test(run):
    """What tells one test from another: the labels and splits of the corpus, and which utterances were tested."""
    return run.environment().get("fingerprint"), run.config.folds, frozenset(run.predictions()["utterance"])


def _model(run):
    folds = run.config.folds
    return run.folder / f"fold{run.config.seed % folds}" if folds else run.folder


def _root(config):
    """Where the corpus lies: runs that notebooks made say it from the notebooks' folder."""
    if config.root is None or Path(config.root).exists():
        return config.root
    return str(Path("notebooks") / config.root)


def _scored(label, name, tables):
    """The rows of one pair."""
    sure = uncertainty(tables)
    correlations = [[table[f"{d}_predicted"].corr(table[d]) for d in DIMENSIONS] for table in tables.values()]
    mean = np.mean(correlations, axis=0)
    scores = sure.loc[[f"ccc_{each}" for each in NAMES]]
    return pd.DataFrame(
        {
            "trained on": label,
            "tested on": name,
            "dimension": NAMES,
            "ccc": scores["value"].to_numpy(),
            "low": scores["low"].to_numpy(),
            "high": scores["high"].to_numpy(),
            "r": [*mean, mean.mean()],
            "seeds": len(tables),
            "utterances": len(next(iter(tables.values()))),
        }
    )
