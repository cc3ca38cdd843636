"""Is a value what an annotation says? Type and bounds of a parameter that a person typed."""

import math
import types
from collections.abc import Callable
from typing import Annotated, Any, Literal, NamedTuple, Union, get_args, get_origin


class Bound(NamedTuple):
    """What must hold of a number, and the words for one of which it does not."""

    holds: Callable[[float], bool]
    words: str


ABOVE_0 = Bound(lambda value: 0 < value < math.inf, "must be above 0, not {}")
FROM_0 = Bound(lambda value: 0 <= value < math.inf, "must not be negative; it is {}")
BELOW_1 = Bound(lambda value: 0 <= value < 1, "must be from 0 to below 1, not {}")

Count = Annotated[int, ABOVE_0]
Amount = Annotated[float, ABOVE_0]


def checked(name: str, value: Any, annotation: Any) -> Any:
    """The value if type and bound fit; whole numbers pass where a float is asked for, and become one.

    Parameters
    ----------
    name
        Of the parameter, for the message.
    value
    annotation
        A `typing.Literal`, a type, a union of types, or such a type with a `Bound` in `typing.Annotated`.

    Raises
    ------
    ValueError
        If not; it names the parameter, what it may be, and what it is.

    Examples
    --------
    >>> checked("epochs", 3, Count), checked("rate", 1, Amount | None)
    (3, 1.0)
    >>> checked("epochs", 0, Count)
    Traceback (most recent call last):
    ValueError: epochs must be above 0, not 0.
    """
    if get_origin(annotation) is Literal:
        if value is False and "no" in get_args(annotation):  # how YAML reads the word
            return "no"
        if value not in get_args(annotation):
            raise ValueError(f"{name} is one of {', '.join(map(str, get_args(annotation)))}, not {value!r}.")
        return value
    kinds = get_args(annotation) if get_origin(annotation) in (Union, types.UnionType) else (annotation,)
    allowed = {getattr(kind, "__origin__", kind): getattr(kind, "__metadata__", ()) for kind in kinds}
    if float in allowed and type(value) is int and abs(value) < 1e300:
        value = float(value)
    if type(value) not in allowed:
        wanted = " or ".join('None ("none" in a file)' if kind is type(None) else kind.__name__ for kind in allowed)
        raise ValueError(f"{name} must be {wanted}, not {type(value).__name__} ({value!r}).")
    for bound in allowed[type(value)]:
        if not bound.holds(value):
            raise ValueError(f"{name} {bound.words.format(value)}.")
    return value
