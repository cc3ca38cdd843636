"""Exercise 1 of lab 4: two variants that differ in one thing, as a student writes them."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np

from emosphere.config import RESUMABLE, WHERE, Config, ConfigError
from emosphere_lab.checking import Exercise

EPOCHS = 12
"""Of a training in this lab."""
TEST = ("corpus", "root", "corpus_options", "limit", "preset")

VARIANTS = Exercise(
    "L4-1",
    dict,
    [],
    start="Choose a question from the table. `full` states no difference, `mine` the one that your question is about.",
    praise="One difference, everything else is held: whatever comes out, it is due to this setting or to chance.",
)


def chosen(my_variants: Callable[[], dict], *, epochs: int = EPOCHS) -> dict[str, Any]:
    """The difference of a student's variant from full.

    Parameters
    ----------
    my_variants : callable
        The student's function, which returns two variants.
    epochs : int
        Of full.

    Returns
    -------
    dict of str to object
        One setting, or both divisions of a region grid.

    Raises
    ------
    Hint
        If these are not two variants of which one says, in a single thing, how it differs from the other.

    Examples
    --------
    >>> chosen(lambda: {"full": {}, "mine": {"pooling": "statistics"}})
    {'pooling': 'statistics'}
    """
    variants, fail = VARIANTS.returned(my_variants), VARIANTS.fail
    if not isinstance(variants, dict) or not all(isinstance(changes, dict) for changes in variants.values()):
        fail('return a dict whose two values are dicts, too: "full" with an empty one, "mine" with {"setting": value}.')
    if len(variants) != 2:
        fail(f"a comparison is between two variants, and here the number is {len(variants)}. One question at a time.")
    if variants.get("full"):
        fail('"full" is the one that yours is measured against, so it states no difference: {}.')
    changes: dict[str, Any] = next((changes for changes in variants.values() if changes), {})
    if all(variants.values()):
        fail('one of the two is "full" and states no difference: {}.')
    for name in changes:
        if objection := _objection(name):
            fail(objection)
    if None in changes.values():
        fail('None means "as in full". To go without an auxiliary task, the value is the word "none", in quotes.')
    base = Config.create("small", epochs=epochs)
    try:
        mine = Config.create("small", **{"epochs": epochs, **changes})
    except ConfigError as error:
        fail(f"{error} The table above has settings and values.")
    different = base.differences(mine)
    idle = [f"`{name}` changes nothing here: {reason}" for name, reason in _idle(mine) if different.pop(name, None)]
    if idle and not different:
        fail(f"this is the same as full, as {'; '.join(idle)}.")
    if not different:
        fail("this is the same as full. What differs in yours? The third column of the table says what full has.")
    if len(different) > 1 and different.keys() != {"azimuth", "elevation"}:
        fail(f"{' and '.join(different)} both change. If the score does, you cannot tell which of the two did it.")
    return {name: there for name, (_, there) in different.items()}


def _idle(config):
    """Settings that have no effect in a variant, and why."""
    if config.encoder_trained == "nothing":
        yield "spec_augment", "nothing is hidden from an encoder that is not trained"
    if config.decay_epochs == config.epochs / 4:
        yield "decay_epochs", f"{config.decay_epochs:g} is a quarter of the epochs, which full takes by itself"
    if config.schedule == "constant":
        yield "decay_epochs", "a constant weight does not fade"
    same = replace(config, spacing="area" if config.spacing == "angle" else "angle").grid
    if np.allclose(config.grid.elevation_edges, same.elevation_edges):
        yield "spacing", "with so few divisions of the elevation the regions stay the same"
    for name in WHERE:
        yield name, "it says where the corpus lies, not what is learned"


def _objection(name):
    """What there is to say against a setting as the subject of a comparison in this lab, or None."""
    if not isinstance(name, str):
        return f"the name of a setting is a text, and {name!r} is none. Put it in quotes."
    if name in TEST:
        return f"with another `{name}` the two may be tested on other utterances, and cannot be compared."
    if name == "seed":
        return "both variants are trained with several seeds anyway. A seed is chance, not an idea."
    if name in ("encoder", "encoder_trained"):
        return "another encoder has to be downloaded, and training this one takes a GPU. Take a setting of the table."
    if name in (*RESUMABLE, "threads", "precision"):
        return f"`{name}` is about speed and memory. Take a setting that changes what the model learns."
    return None


def label(changes: dict[str, Any]) -> str:
    """Name of a variant, and of its folder.

    Examples
    --------
    >>> label({"azimuth": 8, "elevation": 4})
    'azimuth=8,elevation=4'
    """
    return ",".join(f"{name}={value}" for name, value in changes.items())
