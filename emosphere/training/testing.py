"""A trained model on any corpus: a run folder like any other."""

import json
from pathlib import Path
from typing import Any

from ..config import Config, ConfigError
from .pipeline import train


def evaluate(
    model: str | Path,
    folder: str | Path,
    *,
    corpus: str = "embedded",
    root: str | Path | None = None,
    tested: str = "test",
    cache: str | Path = "data/cache",
    progress: bool = True,
    **changes: Any,
) -> Path:
    """Tests a trained model as it is; what it predicts, its scores and a card of them become a run.

    Its predictions are mapped from the scale that it was trained on to that of the corpus, end to end and linearly
    (`emosphere.sphere.Scale`), whatever the words at the ends of the two scales are.

    Parameters
    ----------
    model
        Folder of a run, or of a saved model; or a ready model, by its name on the Hub or its folder.
    folder
        Where the results go. A complete evaluation with these parameters is used again.
    corpus, root
        As in `emosphere.corpora.load`.
    tested : {"test", "all"}
        The test split, or all that is rated, for a corpus of which the model has seen nothing.
    cache, progress
        As in `emosphere.training.train`.
    **changes
        Other parameters of `emosphere.config.Config`, such as ``corpus_options``. The region grid, if not given, is the
        model's own.

    Returns
    -------
    pathlib.Path
        The folder.

    Raises
    ------
    ConfigError
        If there is no such model, or the folder holds another run.
    CorpusError
        If the corpus has too few usable utterances, or none with all three ratings.
    """
    own = {**_settings(Path(model)), **changes}
    config = Config.create(
        model=str(model), corpus=corpus, root=None if root is None else str(root), tested=tested, **own
    )
    if not config.is_tested:
        raise ConfigError(
            f"{config.model!r} is no trained model, but one that learns from a corpus: emosphere train FOLDER "
            f"model={config.model}."
        )
    return train(config, folder, cache=cache, progress=progress)


def _settings(folder: Path) -> dict[str, Any]:
    """Grid and region head of a model of ours; another one has neither."""
    for place in (folder, folder / "model"):
        if (place / "model.safetensors").is_file() and (place / "config.json").is_file():
            content = json.loads((place / "config.json").read_text(encoding="utf-8"))
            if content.get("model_type") == "emosphere":
                grid = {name: content[name] for name in ("azimuth", "elevation", "spacing")}
                return {**grid, "auxiliary": "region" if content["auxiliary"] == "region" else "none"}
    return {"auxiliary": "none"}
