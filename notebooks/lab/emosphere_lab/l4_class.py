"""Lab 4's last picture: the runs of the whole class, judged by a student's own interval and claim."""

import html
import threading
from collections.abc import Callable
from contextlib import suppress

import numpy as np
import pandas as pd
import plotly.graph_objects as go
from ipywidgets import HTML, Button, Layout, VBox

from emosphere.plots.forest import forest_plot
from emosphere.widgets.plot import Plot
from emosphere_lab import classroom
from emosphere_lab.l4_pool import pooled
from emosphere_lab.l4_runs import recorded_scores
from emosphere_lab.l4_variants import EPOCHS
from emosphere_lab.pictures import Waiting, attempt, live

RECORDED = -1
"""The number of the student who stands for the recorded runs."""
EVERY = 10  # seconds
NO_ROWS = "No variant has a pair of runs with the same seed yet: part 2 makes some."

_follows = threading.Event()


def pool(results: pd.DataFrame | None, interval: Callable, claim: Callable) -> VBox:
    """The table of the class, a row a question, and its forest; without a class, of the recorded runs and one's own.

    In a class it follows while others end their trainings.

    Parameters
    ----------
    results : pandas.DataFrame
        From `emosphere_lab.l4.run`, or None if there are none yet.
    interval, claim : callable
        The student's own, of exercises 2 and 3.
    """
    global _follows
    _follows.set()  # a cell that is run again follows alone
    _follows = stop = threading.Event()
    again = Button(description="Look again", icon="refresh", layout=Layout(width="auto", align_self="flex-start"))
    table, figure = HTML(), Plot(go.Figure())
    place = VBox([figure], layout=Layout(display="none"))
    shown: list = []

    def update():
        runs, where = _runs(results)
        settings = None if results is None else results.attrs.get("settings")
        found = attempt("exercises 2 and 3", lambda: pooled(runs, settings=settings, interval=interval, claim=claim))
        if [found["rows"]] != shown and found["rows"]:
            shown[:] = [found["rows"]]
            table.value = _table(found["rows"], _own(results))
            figure.figure = _forest(found["rows"])
            place.layout.display = None
        if not found["rows"]:
            raise Waiting(" ".join([where, NO_ROWS, *found["notes"]]))
        return " ".join([where, *found["notes"], _advice(found["rows"])])

    said = live(update, again, shows=[figure])

    def follow():
        while not stop.wait(EVERY):
            with suppress(Exception):
                again.click()

    if classroom.me():
        threading.Thread(target=follow, daemon=True, name="pool").start()
    return VBox([table, place, again, said], layout=Layout(max_width="1000px")).add_class("emosphere")


def _runs(results):
    """All runs that are known, and whose they are, in words."""
    here = classroom.me()
    own = [] if results is None else _own_runs(results, here["student"] if here else 0)
    if here is None:
        return _recorded() + own, "RECORDED runs, eight seeds each, and your own; no class has been joined."
    try:
        return classroom.pool() + own, f"The runs of {here['class']}."
    except classroom.ClassroomError as error:
        return own, f"Your own runs alone. {error}"


def _own(results):
    return "" if results is None else results.attrs["variant"]


def _own_runs(results, student):
    if results.attrs["folder"] is None:  # they are recorded
        return []
    settings = results.attrs["settings"]
    return [
        {"student": student, "variant": variant, "settings": settings, "seed": int(seed), "ccc_mean": round(score, 6)}
        for variant in ("full", results.attrs["variant"])
        for seed, score in results[variant].items()
    ]


def _recorded():
    rows = recorded_scores().to_dict("records")
    return [row | {"student": RECORDED, "settings": f"epochs={EPOCHS}"} for row in rows]


def _table(rows, own):
    """As HTML; the student's own question stands out."""
    heads = ("question", "students", "seeds", "mean difference", "your 95 % interval", "your claim", "p (Holm)")
    lines = []
    for row in rows:
        ends = "two seeds at least" if row["low"] is None else f"{row['low']:+.3f} to {row['high']:+.3f}"
        p = "" if row["p"] is None else "< 0.001" if row["p"] < 0.001 else f"{row['p']:.3f}"
        mine = " (yours)" if row["variant"] == own else ""
        cells = (
            row["variant"] + mine,
            row["students"],
            row["seeds"],
            f"{row['mean']:+.4f}",
            ends,
            row["claim"] or "",
            p,
        )
        tags = "".join(f"<td style='padding:.2em .8em'>{html.escape(str(cell))}</td>" for cell in cells)
        lines.append(f"<tr{' style=font-weight:bold' if mine else ''}>{tags}</tr>")
    head = "".join(f"<th scope=col style='padding:.2em .8em;text-align:left'>{name}</th>" for name in heads)
    return f"<table><thead><tr>{head}</tr></thead><tbody>{''.join(lines)}</tbody></table>"


def _forest(rows):
    columns = ("variant", "score", "value", "low", "high", "p")
    cells = [
        (
            f"{row['variant']} ({row['seeds']} seed{'s' * (row['seeds'] > 1)})",
            "mean CCC",
            row["mean"],
            *(np.nan if row[name] is None else row[name] for name in ("low", "high", "p")),
        )
        for row in rows
    ]
    table = pd.DataFrame(cells, columns=columns)
    table.attrs["reference"] = "full"
    figure = forest_plot(table, title="What the class has found: differences to full, 95 % intervals over seeds")
    return figure.update_layout(width=None)


def _advice(rows):
    words = f"the best of {len(rows)} questions is picked from {len(rows)} chances" if len(rows) > 1 else ""
    holm = f" Holm's p takes into account that {words}; an interval does not." if words else ""
    return f"Each seed is a training of its own; the test speakers are the same in all of them.{holm}"
