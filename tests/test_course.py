"""How a training goes, as a notebook shows it; tests/browser/test_course.py looks at it in JupyterLab."""

import json

import plotly.io
import pytest
from test_training import Stopped, configuration, stop_at

from emosphere.training import launch_training
from emosphere.widgets import course


@pytest.fixture
def shown(monkeypatch):
    """What is displayed: by display, all that it has shown."""
    displays = []

    class Handle:
        def __init__(self):
            displays.append([])
            self.own = displays[-1]

        def display(self, what, raw=False):
            self.own.append(what)

        update = display

    monkeypatch.setattr(course, "DisplayHandle", Handle)
    monkeypatch.setattr(course, "EVERY", 0.01)
    monkeypatch.setattr(course, "_is_watched", lambda: True)
    monkeypatch.setattr(plotly.io.renderers, "default", "plotly_mimetype")  # as in a notebook
    return displays


def lines(shown):
    return [each["text/plain"] for each in shown[0]]


@pytest.mark.parametrize("changes", [{}, {"folds": 2}], ids=str)
def test_a_line_and_a_picture_follow_a_training(shown, tones, encoders, tmp_path, monkeypatch, changes):
    curves = []

    class Recorded(course.Plot):  # and no other plot that some test has left
        def show(self):
            curves.append(len(self.figure.data[0].x))

    monkeypatch.setattr(course, "Plot", Recorded)
    config = configuration(tones, encoders, epochs=3, **changes)
    with course.follow(tmp_path / "run"):
        launch_training(config, tmp_path / "run", 1, cache=tmp_path)
    told = lines(shown)
    assert told[0] == "The training begins."
    assert any("Epoch 1 (0 to 2)" in line for line in told)
    assert any("mean CCC" in line and "training loss" in line for line in told)
    assert any(line.startswith("Fold 1 · ") for line in told) == bool(changes)
    assert curves and curves[-1] == 3
    if not changes:
        assert curves == sorted(curves) and told[-1] == "Complete, after 3 epochs."
    *_, last = shown[1]
    assert len(json.loads(json.dumps(last))["application/vnd.plotly.v1+json"]["data"]) == 8, (
        "a picture that can be kept"
    )


def test_a_stop_says_how_to_go_on(shown, tones, encoders, tmp_path, monkeypatch):
    stop_at(monkeypatch, "evaluation.epoch_scores", 1)
    with pytest.raises(Stopped), course.follow(tmp_path / "run"):
        launch_training(configuration(tones, encoders), tmp_path / "run", 1, cache=tmp_path)
    assert lines(shown)[-1].startswith("Stopped. Run the cell again")


def test_nobody_watches_and_a_complete_run_is_not_shown(shown, tmp_path, monkeypatch):
    (tmp_path / "scores.json").touch()
    with course.follow(tmp_path):
        pass
    monkeypatch.undo()
    with course.follow(tmp_path / "another"):
        pass
    assert shown == []
