"""A run: its configuration, the folder that holds it, what its files are called, and how they are read.

A run's files are read in this one way by tables, cards, notebooks and widgets. Names stay what they are: an utterance
called NA, 007 or 1e1 is no gap and no number.
"""

import textwrap
from functools import cached_property
from pathlib import Path

import numpy as np
import pandas as pd

from .config import BASELINES, RESUMABLE, WHERE, Config, ConfigError
from .corpora import tables
from .records import RecordError as RecordError
from .records import damaged, is_free, read_status
from .records import read_json as read_json
from .sphere import DIMENSIONS
from .sphere.regions import MAX_REGIONS

NUMBERS = (*DIMENSIONS, *(f"{name}_predicted" for name in DIMENSIONS), "region", "region_predicted")
ALL_NUMBERS = (*NUMBERS, "region_probability", "region_of_vad")

DEPENDS = {
    "fingerprint": "the labels, splits or scale of the corpus",
    "audio": "the audio of the corpus",
    "encoder_fingerprint": "the encoder's weights, or their settings, before the training",
    "start_fingerprint": "the weights of the run that it starts from",
    "model_fingerprint": "the weights of the model that is tested",
}
"""What a run depends on and no parameter shows, in words; each is known by a fingerprint."""


class Run:
    """One run, whether it is to be, under way or complete.

    Parameters
    ----------
    folder : path-like
        Where it lies, or will.
    config : Config, optional
        Of a run that is to be; without it the folder's own.

    Examples
    --------
    >>> run = Run("runs/mine", Config.create("tiny"))
    >>> run.is_complete, run.scores_file.name, run.config.epochs
    (False, 'scores.json', 8)
    """

    def __init__(self, folder: str | Path, config: Config | None = None):
        self.folder = folder = Path(folder)
        # in the order in which they are written
        self.config_file = folder / "config.json"  # every parameter
        self.environment_file = folder / "environment.json"  # versions, commit, machine, what the run depends on
        self.classes_file = folder / "classes.csv"  # the auxiliary classes: training utterances and weight of each
        self.notes_file = folder / "notes.txt"  # decided on the way: skipped files, small categories, empty regions
        self.log_file = folder / "log.txt"  # what happened when
        self.history_file = folder / "history.csv"  # a row an epoch, written as it goes
        self.model_folder = folder / "model"  # the epoch with the lowest validation loss (safetensors), and its card
        self.checkpoint_file = folder / "checkpoint.pt"  # until the run is complete: what the next epoch starts from
        self.predictions_file = folder / "predictions.csv"  # every test utterance: truth, prediction, regions
        self.panel_file = folder / "panel.json"  # CCC of another panel of raters, where the corpus has single ratings
        self.ceiling_file = folder / "ceiling.json"  # scores of the true emotions, where the corpus knows them
        self.status_file = folder / "status.json"  # how it goes, while it does; after a stop or an error the last words
        self.scores_file = folder / "scores.json"  # what is reported; last, so a folder that has it is complete
        if config is not None:
            self.config = config

    @cached_property
    def config(self) -> Config:
        """Its parameters; ConfigError where the folder has none."""
        return Config.load(self.config_file)

    @property
    def is_complete(self) -> bool:
        """Whether the folder holds a finished run: its scores are written last."""
        return self.scores_file.exists()

    @property
    def is_stopped(self) -> bool:
        """Whether the folder holds a run that would go on after its last whole epoch."""
        return self.checkpoint_file.exists()

    def is_free(self) -> bool:
        """Whether no process is training it just now."""
        return is_free(self.folder / ".lock")

    def status(self) -> dict | None:
        """How it goes: what `emosphere.training.status.Status` has written last.

        Returns
        -------
        dict or None
            None if it is complete, or not begun, or nothing can be read. ``state`` is "preparing", "training",
            "testing", "stopped" (also of one that has said nothing for a minute, and whose lock is free) or "failed";
            ``left`` the seconds to the end of the training, or None.
        """
        return read_status(self.status_file, self.folder / ".lock")

    def is_here(self) -> bool:
        """Whether the folder holds this very run, complete or not; parameters in `WHERE` and `RESUMABLE` may differ.

        Raises
        ------
        ConfigError
            If it holds a run with other parameters; it names them.
        """
        if not self.config_file.exists():
            return False
        differences = Config.load(self.config_file).differences(self.config)
        differences = {name: values for name, values in differences.items() if name not in (*WHERE, *RESUMABLE)}
        if "auto" in differences.get("precision", ()):  # what it became there is recorded
            del differences["precision"]
        if self.config.is_tested and differences.get("model", BASELINES)[0] not in ("emosphere", *BASELINES):
            del differences["model"]  # a folder has many names; its weights have a fingerprint
        if None not in differences.get("start", (None,)):
            del differences["start"]  # likewise
        if differences:
            listed = ", ".join(f"{name} ({old!r} there, {new!r} asked for)" for name, (old, new) in differences.items())
            raise ConfigError(
                f"{self.folder} holds a run with other parameters: {textwrap.shorten(listed, 500)}. Choose another "
                "folder, or delete this one."
            )
        return True

    def is_finished(self, depends: dict[str, str]) -> bool:
        """Whether the folder holds this very run, complete.

        Parameters
        ----------
        depends : dict
            Fingerprints of what it depends on now, by the names in `DEPENDS`; or some of them.

        Raises
        ------
        ConfigError
            If it holds a run, complete or stopped, with other parameters, or one that depends on something else.
        """
        there, complete = self.is_here(), self.is_complete
        if complete or self.is_stopped:
            if not there:
                raise ConfigError(
                    f"{self.folder} holds a run, but no config.json that says which. Put that file back, choose "
                    "another folder, or delete this one."
                )
            refuse_changed(self.environment(), depends, self.folder)
        return there and complete

    def environment(self) -> dict:
        """On what it was made; RecordError if the file is absent or damaged, here and below."""
        return read_json(self.environment_file)

    def scores(self) -> dict:
        """What is reported of it."""
        return read_json(self.scores_file)

    def panel(self) -> dict:
        """The CCCs of another panel of raters (`emosphere.metrics.panel_ceiling`); empty if nobody can know them."""
        return read_json(self.panel_file) if self.panel_file.exists() else {}

    def ceiling(self) -> dict:
        """What the true emotions score, as a run on the embedded corpus has kept it; empty for another corpus."""
        return read_json(self.ceiling_file) if self.ceiling_file.exists() else {}

    def history(self) -> pd.DataFrame:
        """A row an epoch."""
        path = self.history_file
        try:
            return pd.read_csv(path, dtype={"epoch": int, "best": bool, "validation_loss": float})
        except Exception as error:  # as above
            raise damaged(path, error) from None

    def predictions(self) -> pd.DataFrame:
        """Of every test utterance truth and prediction.

        Returns
        -------
        (n, ...) pandas.DataFrame
            As `emosphere.training.evaluation.predict_test` made it: names as text, missing where empty, all else as
            numbers.

        Raises
        ------
        RecordError
            If it is absent or damaged: a column or a number is missing, an utterance comes twice, a region is none.
        """
        path = self.predictions_file
        try:
            file = tables.read(path, "utterance", "speaker", *NUMBERS)
            there = [name for name in ALL_NUMBERS if name in file.frame]
            table = file.frame.assign(**{name: file.number(name) for name in there})
            table = table.assign(**{name: file.text(name) for name in table if name not in there})
            numbers = list(NUMBERS)
            needed = table[["utterance", *(name for name in numbers if name != "region_predicted")]]
            if needed.empty or needed.isna().any(axis=None) or table["utterance"].duplicated().any():
                raise ValueError("a cell is empty, an utterance comes twice, or there is none")
            regions = table[["region", "region_predicted"]].stack().dropna()
            if not ((regions % 1 == 0) & regions.between(0, MAX_REGIONS - 1)).all():
                raise ValueError("a region is not a whole number from 0")
        except Exception as error:  # whatever pandas makes of a damaged file
            raise damaged(path, error) from None
        whole = [
            name
            for name in ("region", "region_predicted", "region_of_vad")
            if name in table and table[name].notna().all()
        ]
        return table.astype(dict.fromkeys(whole, int))

    def class_counts(self) -> np.ndarray:
        """(classes,) numpy.ndarray: training utterances of each auxiliary class."""
        path = self.classes_file
        try:
            counts = pd.read_csv(path, usecols=["utterances"])["utterances"].to_numpy(dtype=float)
            if not len(counts) or not (counts >= 0).all() or not counts.any():
                raise ValueError("a count is missing or impossible")
        except Exception as error:  # as above
            raise damaged(path, error) from None
        return counts


def refuse_changed(there: dict, here: dict, where: str | Path) -> None:
    """Raise ConfigError if something that a run depends on is not what it was.

    Parameters
    ----------
    there, here : dict
        Fingerprints by the names in `DEPENDS`, then and now; what only one of them has is not compared.
    where : path-like
        What holds the run.

    Examples
    --------
    >>> try:
    ...     refuse_changed({"audio": "12ab"}, {"audio": "34cd"}, "runs/mine")
    ... except ConfigError as error:
    ...     print(str(error).split(". ")[0])
    runs/mine holds a run that began with another state of the audio of the corpus (12ab, now 34cd)
    """
    for name, words in DEPENDS.items():
        if name in there and name in here and there[name] != here[name]:
            then = textwrap.shorten(str(there[name]), 100)  # in a damaged file it may be anything
            raise ConfigError(
                f"{where} holds a run that began with another state of {words} ({then}, now "
                f"{here[name]}). Put it back, choose another folder, or delete this one."
            )
