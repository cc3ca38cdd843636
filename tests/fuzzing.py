"""Seeded damage for `test_fuzz`: bytes, text, JSON and tables as disks, spreadsheets and strangers break them."""

import copy
import json
import os
import re
import signal
import traceback
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pandas as pd

ROUNDS = int(os.environ.get("EMOSPHERE_FUZZ_ROUNDS", "1"))
"""Times as many cases as usual; the first ones stay the same."""

HERE = Path(__file__).parent
PATIENCE = 60  # seconds a case may take on a busy machine

CELLS = [
    "",
    " ",
    "nan",
    "NA",
    "None",
    "inf",
    "-inf",
    "1e309",
    "-1e308",
    "1e-320",
    "9" * 400,
    "-0",
    "0x10",
    "1_000",
    "1,5",
    "²",
    "٣",
    "é" * 40,
    "감정 😀",
    "\u202etxt.wav",
    "\ufeff",
    "a" * 20_000,
    '"',
    "'",
    ",",
    ";",
    "\t",
    "\r",
    "\n",
    "\0",
    "\x1b[31m",
    "=1+1",
    "../../x.wav",
    "/etc/passwd",
    "C:\\x.wav",
    "<script>alert(1)</script>",
    "True",
    "0",
    "2026-01-01",
    "[1, 2]",
    "{}",
    "%s%n",
    "\ud800",
    "-1",
    "1",
    "3.5",
    "X",
    "O",
    "happy",
    "Train",
    "test",
]

JSON = [
    None,
    True,
    False,
    0,
    -1,
    2,
    0.5,
    1e308,
    -1e308,
    float("nan"),
    float("inf"),
    10**400,
    "",
    "x",
    "tiny",
    "é😀",
    "\0",
    "a" * 20_000,
    "\ud800",
    "../..",
    [],
    [1],
    [[]],
    [None] * 50,
    {},
    {"a": 1},
    {"": {}},
    "nan",
    "1",
    [1, 7],
]


class Hang(BaseException):
    """Not an Exception, so that nothing takes it for the fault of a file."""


@contextmanager
def in_time(seconds=PATIENCE):
    def give_up(*_):
        raise Hang(f"more than {seconds} s")

    before = signal.signal(signal.SIGALRM, give_up)
    signal.alarm(seconds)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


def bitten(data, rng):
    """Bytes with a few kinds of damage."""
    data = bytearray(data)
    for _ in range(rng.integers(1, 4)):
        if not data:
            data = bytearray(rng.bytes(rng.integers(0, 40)))
        size = len(data)
        # headers are short and matter most
        at = int(rng.integers(size) if rng.random() < 0.5 else rng.integers(min(size, 96)))
        length = int(rng.integers(1, 1 + min(size, rng.choice([4, 64, 4096]))))
        match rng.integers(10):
            case 0 | 1:
                for _ in range(rng.integers(1, 9)):
                    data[int(rng.integers(size))] ^= 1 << int(rng.integers(8))
            case 2:
                data[at] ^= 1 << int(rng.integers(8))
            case 3:
                del data[at:]
            case 4:
                del data[at : at + length]
            case 5:
                data[at:at] = data[at : at + length]
            case 6:
                data[at : at + length] = bytes(min(length, size - at))
            case 7:
                data[at : at + length] = rng.bytes(min(length, size - at))
            case 8:
                data[at : at + 4] = [b"\xff\xff\xff\xff", b"\xff\xff\xff\x7f", b"\0\0\0\x80", b"\0\0\0\0"][
                    rng.integers(4)
                ]
            case 9:
                other = int(rng.integers(size))
                piece = bytes(data[at : at + length])
                data[other : other + len(piece)] = piece
    return bytes(data)


def retyped(text, rng, words=CELLS):
    """Text whose lines and cells were dropped, doubled, swapped or replaced; as bytes, perhaps in a wrong encoding."""
    for _ in range(rng.integers(1, 4)):
        lines = text.split("\n")
        at, other = (int(rng.integers(len(lines))) for _ in range(2))
        parts = re.split(r"([,;:\t{}\[\] ])", lines[at])
        cell, swapped = (int(rng.integers(len(parts))) for _ in range(2))
        match rng.integers(10):
            case 0:
                del lines[at]
            case 1:
                lines.insert(other, lines[at])
            case 2:
                lines[at], lines[other] = lines[other], lines[at]
            case 3:
                parts[cell], parts[swapped] = parts[swapped], parts[cell]
                lines[at] = "".join(parts)
            case 4:
                parts.insert(cell, parts[swapped])
                lines[at] = "".join(parts)
            case 5:
                del parts[cell : cell + int(rng.integers(1, 4))]
                lines[at] = "".join(parts)
            case _:
                parts[cell] = words[rng.integers(len(words))]
                lines[at] = "".join(parts)
        text = "\n".join(lines)
    encoding = rng.choice(["utf-8"] * 12 + ["utf-16", "utf-8-sig", "latin-1", "cp1252"])
    data = text.encode(encoding, "surrogatepass" if encoding.startswith("utf") else "replace")
    return bitten(data, rng) if rng.random() < 0.15 else data


def rearranged(content, rng):
    """Dicts and lists in each other with other values, names and structure."""
    content = copy.deepcopy(content)
    for _ in range(rng.integers(1, 4)):
        holders = [holder for holder in _holders(content) if holder]
        if not holders:
            break
        holder = holders[rng.integers(len(holders))]
        keys = list(holder) if isinstance(holder, dict) else list(range(len(holder)))
        key = keys[rng.integers(len(keys))]
        match rng.integers(8):
            case 0:
                del holder[key]
            case 1 if isinstance(holder, dict):
                holder[rng.choice(["", "x", str(key).upper(), str(key)[:-1], "__class__", "self"])] = holder.pop(key)
            case 2:
                holder[key] = copy.deepcopy(content)
            case _:
                holder[key] = copy.deepcopy(JSON[rng.integers(len(JSON))])
    return content


def retold(content, rng):
    """JSON with other values, names and structure, as bytes."""
    content = rearranged(content, rng)
    text = json.dumps(content, indent=2 if rng.random() < 0.5 else None)
    match rng.integers(12):
        case 0:
            text = "[" * 100_000 + text
        case 1:
            text = json.dumps(JSON[rng.integers(len(JSON))])
        case 2:
            return retyped(text, rng)
        case 3:
            return bitten(text.encode(), rng)
        case 4:
            text = text.replace("1", "9" * 5000, 1)
    return text.encode("utf-8", "surrogatepass")


def _holders(content):
    if isinstance(content, dict | list):
        yield content
        for value in list(content.values() if isinstance(content, dict) else content):
            yield from _holders(value)


COLUMNS = [
    lambda n: [[1.0]] * n,
    lambda n: [{"a": 1}] * n,
    lambda n: [b"\xff\0"] * n,
    lambda n: [None] * n,
    lambda n: pd.date_range("2026", periods=n),
    lambda n: pd.Categorical(["A"] * n),
    lambda n: [True] * n,
    lambda n: np.full(n, np.nan),
    lambda n: np.full(n, np.inf),
    lambda n: np.full(n, 2**62),
    lambda n: [1e308] * n,
    lambda n: np.arange(n),
    lambda n: pd.array(range(n), dtype="Int64"),
    lambda n: [""] * n,
    lambda n: ["../x.wav"] * n,
    lambda n: pd.to_timedelta(range(n), unit="s"),
    lambda n: ["\0"] * n,
    lambda n: np.arange(n, dtype="uint8"),
    lambda n: np.zeros(n, dtype="float16"),
    lambda n: pd.period_range("2026", periods=n, freq="D"),
    lambda n: np.zeros(n, dtype="complex64").real,
    lambda n: [f"{i}é😀" for i in range(n)],
    lambda n: [["a", None]] * n,
]


def reshaped(frame, rng):
    """A table with columns of other types, without some, or with some twice; rows dropped, doubled or shuffled."""
    frame = frame.copy()
    for _ in range(rng.integers(1, 4)):
        column = frame.columns[rng.integers(len(frame.columns))] if len(frame.columns) else None
        match rng.integers(8):
            case 0 if column is not None:
                frame = frame.drop(columns=column)
            case 1 if column is not None:
                frame = frame.rename(columns={column: ["", "Path", 3, "split", " utterance "][rng.integers(5)]})
            case 2:
                frame = frame.iloc[rng.integers(len(frame), size=rng.integers(0, 9))] if len(frame) else frame
            case 3:
                frame = frame.sample(frac=1, random_state=int(rng.integers(99)))
            case _ if column is not None:
                frame = frame.assign(**{str(column): COLUMNS[rng.integers(len(COLUMNS))](len(frame))})
    return frame


def attempt(call, errors, *named, what=""):
    """Calls; lets pass a success or a refusal by the library in one or two sentences that name the file.

    Parameters
    ----------
    call : callable
    errors : type or tuple of types
        The library's own.
    *named : str or Path
        One of these is in the message.
    what : str
        The case, for the report of a failure.

    Returns
    -------
    object
        What the call returned, or the refusal as an exception.
    """
    try:
        with in_time():
            return call()
    except Exception as error:
        said = str(error)
        frame = traceback.extract_tb(error.__traceback__)[-1]
        told = len(said) - max((len(str(name)) for name in named), default=0)
        problem = (
            f"{type(error).__name__} is none of the library's errors"
            if not isinstance(error, errors)
            else f"raised in {frame.filename}"
            if "emosphere" not in Path(frame.filename).parts
            else "the message names no file"
            if not any(str(name) in said for name in named)
            else "the message has several lines"
            if "\n" in said or "\r" in said
            else "the message is long"
            if told > 1000
            else ""
        )
        if problem:
            raise AssertionError(f"{what}: {problem}: {said[:2000]}") from error
        return error
