"""What the folders of runs show from outside: read again only where a file has changed, and never written to."""

import json
import os
import re
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from typing import Any

from ..config import ConfigError
from ..records import STALE, RecordError, read_json
from ..run import Run
from ..utils import EmoSphereError

PLAN, FAILURE = "plan.json", "failure.txt"  # what a sweep leaves: in an experiment's folder, and in a run's
WATCHED = ("config.json", "status.json", "scores.json", "checkpoint.pt", FAILURE)
CCCS = ("ccc_valence", "ccc_arousal", "ccc_dominance", "ccc_mean")
CURVES = ("loss", "validation_loss", *CCCS)
DEPTH = 4  # of a run's folder below the one that is shown, at most


class Board:
    """The runs below a folder: of all experiments, of one of them, of a variant, or of a single run.

    Parameters
    ----------
    folder

    Examples
    --------
    >>> import tempfile
    >>> from emosphere.config import Config
    >>> folder = Path(tempfile.mkdtemp())
    >>> (folder / "full" / "seed0").mkdir(parents=True)
    >>> Config.create("tiny").save(folder / "full" / "seed0" / "config.json")
    >>> [(run["variant"], run["seed"], run["state"]) for run in Board(folder).state()["runs"]]
    [('full', 0, 'stopped')]
    """

    def __init__(self, folder: str | Path):
        self.folder = Path(folder).resolve()
        if not self.folder.is_dir():
            raise ConfigError(f"There is no folder {folder}; a sweep makes one, such as runs/embedded.")
        self._read: dict[str, tuple[Any, dict]] = {}  # what a run's folder showed, and what it said then
        self._heard: dict[str, tuple[float, float]] = {}  # the last word of a run, by its clock and by ours
        self._places: dict[str, Path] = {}
        self._plans: dict[Path, tuple[float, dict]] = {}

    def state(self) -> dict:
        """All runs, in order: ``runs``, a dict each, and ``experiments``, those that left a plan."""
        runs, places, plans = {}, {}, {}
        for folder, files in _folders(self.folder, DEPTH):
            if PLAN in files and (plan := self._plan(folder, files[PLAN][0])):
                plans[folder] = plan
            if any(name in files for name in WATCHED) and PLAN not in files:
                key = folder.relative_to(self.folder).as_posix()
                places[key] = folder
                runs[key] = self._run(key, folder, files)
        for folder, plan in plans.items():
            for planned in plan["runs"]:
                place = folder / planned["variant"] / f"seed{planned['seed']}"
                key = place.relative_to(self.folder).as_posix()
                places.setdefault(key, place)
                runs.setdefault(key, _named(place) | {"id": key, "state": "waiting"})
        self._places = places
        ranks: dict[tuple[str, str], int] = {}  # variants stand in the order of their plan
        for folder, plan in plans.items():
            for rank, run in enumerate(plan["runs"]):
                ranks.setdefault((folder.name, run["variant"]), rank)

        def place_of(key):
            run = runs[key]
            return run["experiment"], ranks.get((run["experiment"], run["variant"]), -1), _natural(key)

        return {
            "folder": str(self.folder),
            "runs": [runs[key] for key in sorted(runs, key=place_of)],
            "experiments": [
                {"name": folder.name, "begun": plan.get("begun"), "tables": [name for name, _ in _tables(folder, plan)]}
                for folder, plan in plans.items()
            ],
        }

    def curves(self, key: str) -> dict:
        """The history of a run: a list for each of `CURVES`; of several folds the first that has one."""
        place = self._place(key)
        for path in (place / "history.csv", *sorted(place.glob("fold*/history.csv"))):
            with suppress(EmoSphereError, OSError, ValueError, TypeError):
                table = Run(path.parent).history()
                return {
                    name: [None if value != value else float(value) for value in table[name]]
                    for name in CURVES
                    if name in table
                }
        return {}

    def differences(self, keys: list[str]) -> dict:
        """The parameters in which runs differ, each with the value of each run; seeds stand in the table anyway."""
        configs = []
        for key in keys:
            try:
                configs.append(asdict(Run(self._place(key)).config))
            except EmoSphereError:  # half written
                configs.append({})
        names = dict.fromkeys(name for config in configs for name in config if name != "seed")
        found = {name: [_shown(config, name) for config in configs] for name in names}
        return {name: values for name, values in found.items() if len(set(values)) > 1}

    def failure(self, key: str) -> dict:
        """What made a run fail: ``reason`` and ``details``."""
        try:
            text = (self._place(key) / FAILURE).read_text(encoding="utf-8", errors="replace")
        except OSError:
            return {"reason": "", "details": ""}
        reason, _, details = text.partition("\n\n")
        return {"reason": reason, "details": details}

    def table(self, experiment: str, name: str) -> dict:
        """The page of a table or figure that the sweep has written last."""
        for folder, (_, plan) in self._plans.items():
            for known, path in _tables(folder, plan):
                if (folder.name, known) == (experiment, name):
                    with suppress(OSError):  # gone meanwhile
                        text = path.read_text(encoding="utf-8", errors="replace")
                        return {"html": text, "written": path.stat().st_mtime}
        raise ConfigError(f"{experiment} has no table {name} yet.")

    def _place(self, key):
        if key not in self._places:
            raise ConfigError(f"There is no run {key} here.")
        return self._places[key]

    def _plan(self, folder, changed):
        known = self._plans.get(folder)
        if known is None or known[0] != changed:
            with suppress(OSError, ValueError, TypeError, KeyError, OverflowError):  # half written, or a stranger's
                plan = _json(folder / PLAN)
                plan["runs"] = [{"variant": str(run["variant"]), "seed": int(run["seed"])} for run in plan["runs"]]
                if any(run["variant"] in ("", "..") or set(run["variant"]) & set("/\\\0") for run in plan["runs"]):
                    raise ValueError("a variant is the name of a folder")
                known = self._plans[folder] = changed, plan
        return known and known[1]

    def _run(self, key, folder, files):
        status = _newest_status(folder, files)
        seen = {name: files[name] for name in WATCHED if name in files}, status and status[1]
        before = self._read.get(key)
        if before is None or before[0] != seen:
            found = _named(folder) | {"id": key} | _facts(folder, files, status and status[0])
            before = self._read[key] = seen, found
        found = before[1]
        if status and found["state"] not in ("complete", "failed", "stopped", "waiting"):
            changed = status[1][0]
            then, since = self._heard.get(key, (None, 0.0))
            if then != changed:  # by our clock from now on: that of a cluster may be another
                now = time.time()
                since = changed if then is None and changed < now else now
                self._heard[key] = changed, since
            if time.time() - since > STALE:
                return found | {"state": "stopped", "left": None}
        return found


def _folders(folder: Path, depth: int, above: tuple = ()) -> Iterator[tuple[Path, dict[str, tuple[float, int]]]]:
    """Folders and the (time, size) of their files; not what lies in a run's folder."""
    files, below = {}, []
    try:
        above = *above, os.path.realpath(folder)
        if above[-1] in above[:-1]:  # a link back
            return
        with os.scandir(folder) as entries:
            for entry in entries:
                with suppress(OSError):  # gone meanwhile
                    if entry.is_dir():
                        below.append(entry.name)
                    elif entry.name in WATCHED or entry.name == PLAN:
                        facts = entry.stat()
                        files[entry.name] = facts.st_mtime, facts.st_size
    except OSError:
        return
    yield folder, files
    if depth and ("config.json" not in files or PLAN in files):
        for name in sorted(below):
            if not name.startswith(".") and not re.fullmatch(r"fold\d+|model", name):
                yield from _folders(folder / name, depth - 1, above)


def _named(folder):
    """A run is its experiment's, its variant's and its seed's, by the names of its folders."""
    seed = re.fullmatch(r"seed(\d+)", folder.name)
    if not seed:
        return {"experiment": folder.parent.name, "variant": folder.name, "seed": None}
    return {"experiment": folder.parent.parent.name, "variant": folder.parent.name, "seed": int(seed[1])}


def _newest_status(folder, files):
    """Path, and (time, size), of the status of a run or of the fold that is at work; None without one."""
    if "status.json" in files:
        return folder / "status.json", files["status.json"]
    if "scores.json" in files:
        return None
    found = []
    for path in folder.glob("fold*/status.json"):
        with suppress(OSError):
            facts = path.stat()
            found.append((path, (facts.st_mtime, facts.st_size)))
    return max(found, key=lambda entry: entry[1], default=None)


def _facts(folder, files, status_file):
    """What a run's small files say; what is half written says nothing yet."""
    if "scores.json" in files:
        scores = _json(folder / "scores.json")
        scores = {name: scores[name] for name in CCCS if isinstance(scores.get(name), int | float)}
        return {"state": "complete", "scores": scores, "updated": files["scores.json"][0]}
    status = _json(status_file) if status_file else {}
    found = {name: _if(str, status.get(name)) for name in ("what", "host")}
    numbers = ("epoch", "epochs", "loss", "validation_loss", "left", "updated", "fold")
    found |= {name: _if(int | float, status.get(name)) for name in numbers}
    state = _if(str, status.get("state"))
    if FAILURE in files and (not status or files[FAILURE][0] >= (found["updated"] or 0)):
        state = "failed"
        with suppress(OSError):
            found["what"] = (folder / FAILURE).read_text(encoding="utf-8", errors="replace").partition("\n\n")[0]
    if state is None:  # begun, and left without a word
        state = "stopped" if "config.json" in files or "checkpoint.pt" in files else "waiting"
    return {**found, "state": state, "scores": {}}


def _if(kind, value):
    return value if isinstance(value, kind) else None


def _json(path):
    with suppress(RecordError):
        return read_json(path)
    return {}


def _tables(folder, plan):
    """Names and pages of an experiment's tables and figures."""
    if not isinstance(plan.get("figures"), str) or "\0" in plan["figures"]:
        return []
    order = ("table1", "table2", "table3", "variants", "baselines", "layers", "grids", "forest")
    pages = (folder / plan["figures"]).resolve().glob("*.html")
    return [
        (path.stem, path)
        for path in sorted(pages, key=lambda path: (order.index(path.stem) if path.stem in order else 99, path.stem))
    ]


def _shown(config, name):
    return "" if name not in config else json.dumps(config[name], ensure_ascii=False).strip('"')


def _natural(key):
    return [(int(part), "") if part.isdigit() else (-1, part) for part in re.split(r"(\d+)", key)]
