"""While a sweep goes on: lines of what runs, tables that follow; and before it: what it would take."""

import io
import json
import threading
import time

import pytest

from emosphere import experiments
from emosphere.experiments import estimating, following, read_results, report
from emosphere.utils import write_json
from tests.test_tables import NINE, leave_run


def status(run, **changes):
    run.folder.mkdir(parents=True, exist_ok=True)
    content = {"state": "training", "epoch": 3, "epochs": 12, "loss": 1.0187, "left": 40.4, "updated": time.time()}
    write_json(run.status_file, content | changes)


@pytest.fixture
def runs(tmp_path):
    mine = experiments.Experiment("mine", {"full": {}, "no_auxiliary": {"auxiliary": "none"}}, (0, 1), {})
    return mine.runs(tmp_path / "runs")


def test_a_line_says_what_a_run_does(runs):
    status(runs[0])
    status(runs[1], state="preparing", what="making frames", epoch=None)
    status(runs[2], state="failed", what="EncoderError")
    (runs[3].folder / "nothing").mkdir(parents=True)
    assert following._status_lines(runs) == [
        "full, seed 0: epoch 3 of 12, loss 1.02, 40 s left",
        "no_auxiliary, seed 0: making frames",
    ]
    status(runs[2], epoch=0, loss=None, left=None)
    assert following._status_lines(runs)[2] == "full, seed 1: epoch 0 of 12"
    runs[3].status_file.write_text('{"state": "training"', encoding="utf-8")  # half written
    assert len(following._status_lines(runs)) == 3


def test_many_running_runs_are_counted(runs, monkeypatch):
    monkeypatch.setattr(following, "LINES", 2)
    for run in runs:
        status(run)
    assert following._status_lines(runs)[2:] == ["and 2 more"]


@pytest.mark.parametrize("terminal", [True, False])
def test_lines_are_rewritten_in_a_terminal_and_seldom_in_a_file(runs, monkeypatch, terminal):
    class Out(io.StringIO):
        def isatty(self):
            return terminal

    out, looked = Out(), threading.Event()
    monkeypatch.setattr("sys.stdout", out)
    monkeypatch.setattr(following, "EVERY", 0.01)
    original = following._status_lines
    calls = []
    monkeypatch.setattr(
        following, "_status_lines", lambda runs: (calls.append(1), len(calls) > 3 and looked.set(), original(runs))[2]
    )
    status(runs[0])
    with following.shown(runs, True):
        assert looked.wait(20)
    text = out.getvalue()
    assert ("full, seed 0: epoch 3 of 12" in text) == terminal
    assert "sweep" in text


def test_tables_follow_marked_and_the_final_ones_are_as_ever(tmp_path):
    root, figures = tmp_path / "mine", tmp_path / "figures"
    for variant in ("full", "no_auxiliary", "no_preprocessing"):
        leave_run(root, variant, 0, 1.0)

    def read():
        return read_results(root, variants=NINE, seeds=(0, 1), planned=18)

    with following.following(read, figures) as ended:
        ended()
        end = time.monotonic() + 60
        while not (figures / "runs.csv").exists():
            assert time.monotonic() < end
            time.sleep(0.05)
    for name in ("table1.html", "table1.md", "table1.tex", "table1.csv", "forest.html"):
        assert "Preliminary: 3 of 18 runs" in (figures / name).read_text(encoding="utf-8"), name
    report(read(), figures)
    report(read(), tmp_path / "fresh")
    assert {path.name for path in figures.iterdir()} == {path.name for path in (tmp_path / "fresh").iterdir()}
    for path in (tmp_path / "fresh").glob("table*"):
        assert path.read_bytes() == (figures / path.name).read_bytes()
        assert b"Preliminary" not in path.read_bytes()
    assert "Preliminary" not in (figures / "forest.html").read_text(encoding="utf-8")


def test_tables_that_cannot_be_written_stop_nobody_and_come_seldom(tmp_path, monkeypatch):
    tried, first = [], threading.Event()

    def broken(*arguments, **options):
        tried.append(options["preliminary"])
        first.set()
        raise ValueError("not yet")

    monkeypatch.setattr(following, "report", broken)
    with following.following(lambda: None, tmp_path) as ended:
        for _ in range(20):
            ended()
        assert first.wait(20)
        ended()
    assert tried == [True], "the next is due after PATIENCE"


# the dry run


def book(folder, seconds):
    write_json(folder / "05_training.ipynb", {"metadata": {"papermill": {"duration": seconds}}})
    (folder / "log.txt").write_text("complete", encoding="utf-8")


@pytest.fixture
def asked(tmp_path, tones):
    settings = dict(preset="tiny", corpus="msp_podcast", root=str(tones), epochs=4)
    return experiments.Experiment("mine", {"full": {}, "no_auxiliary": {"auxiliary": "none"}}, (0, 1), settings)


def test_a_dry_run_counts_and_guesses_from_what_is_complete(asked, tmp_path, monkeypatch):
    first, second, third, fourth = asked.runs(tmp_path)
    for run, seconds in ((first, 100), (second, 120), (third, 110)):
        run.folder.mkdir(parents=True)
        run.config.save(run.config_file)
        book(run.folder, seconds)
        write_json(run.scores_file, {})
        write_json(run.environment_file, {})
    table = experiments.estimate(asked, runs=tmp_path, scheduler="processes=2")
    assert table.loc["full", ["runs", "complete", "missing"]].tolist() == [2, 2, 0]
    assert table.loc["no_auxiliary", ["runs", "complete", "missing"]].tolist() == [2, 1, 1]
    assert table.loc["no_auxiliary", "hours"] == pytest.approx(110 / 3600)
    said = " ".join(table.attrs["said"])
    assert "3 of 4 runs are complete, 0 would go on, 1 would begin." in said
    assert "About 55 s, 2 at a time as long as each has a processor, more or less by 10 %." in said
    assert "1 run: based on complete runs that are alike in preset, corpus" in said
    assert not fourth.folder.exists(), "something was made"


def test_a_dry_run_guesses_nothing_where_nothing_tells(asked, tmp_path):
    table = experiments.estimate(asked, runs=tmp_path / "none")
    assert table["missing"].sum() == 4 and table["hours"].isna().all()
    assert "4 runs: based on nothing: no run of this preset, corpus and model is complete here." in table.attrs["said"]
    small = estimating._expected(experiments.Experiment("e", {"full": {}}).runs("runs")[0].config, [])
    assert small[0] == pytest.approx(5 + 12 * 0.8) and "measured" in small[2]


def test_a_dry_run_tells_what_would_be_refused(asked, tmp_path):
    run = asked.runs(tmp_path)[1]
    run.folder.mkdir(parents=True)
    experiments.Experiment("other", {"full": {"epochs": 7}}, (0,), asked.settings).runs(tmp_path)[0].config.save(
        run.config_file
    )
    table = experiments.estimate(asked, runs=tmp_path)
    (refused,) = [sentence for sentence in table.attrs["said"] if sentence.startswith("Refused")]
    assert "no_auxiliary, seed 0. " in refused and "holds a run with other parameters" in refused
    assert table["missing"].sum() == 3
    absent = experiments.Experiment("mine", asked.variants, (0,), {**asked.settings, "root": str(tmp_path / "gone")})
    (refused,) = [each for each in experiments.estimate(absent, runs=tmp_path / "r").attrs["said"] if "Refused" in each]
    assert "full, seed 0 and 1 more. " in refused and json.dumps(refused)
