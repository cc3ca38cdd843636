"""Sound from a microphone or a file into Python, through the browser; and onto a disk only when a person says so."""

import re
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import anywidget
import numpy as np
import numpy.typing as npt
import traitlets
from ipywidgets import HTML, Button, HBox, Layout, Text

from ..audio import MIN_SECONDS, RATE, SILENCE, SILENCE_DB, is_silent
from .front import STATIC
from .messages import message
from .sounds import wav_bytes

LONGEST_RECORDING, LONGEST_FILE = 300, 600  # seconds
LARGEST_FILE = 300_000_000  # bytes, which a browser can hold
FULL = 32768  # full scale of 16 bits
LONGEST_NAME = 100
RESERVED = re.compile(r"(con|prn|aux|nul|com\d|lpt\d)(\..*)?", re.IGNORECASE)  # devices, on Windows


class Recorder(anywidget.AnyWidget):
    """A button that records, one that takes a file (or drop one), and a player; see the JavaScript beside this file.

    What arrives is 16 kHz mono, decoded and resampled by the browser. Nothing is written, and the player plays what
    the browser has. What cannot be used is told in a sentence, and leaves everything as it was.

    Parameters
    ----------
    on_audio
        Called with (n,) samples, a numpy.ndarray of float32 in [-1, 1], and the name of the file or "your recording".
        If it raises a ValueError, its message is shown and the recording counts as refused.
    on_time
        Called with the seconds at which the player is: about five times a second while it plays (fewer while Python
        has no time), and when it stops or jumps.
    longest_recording, longest_file
        Seconds after which recording ends by itself, and above which a file is refused.
    """

    _esm = STATIC / "recorder.js"
    limits = traitlets.Dict().tag(sync=True)
    time = traitlets.Float(0.0).tag(sync=True)

    def __init__(
        self,
        on_audio: Callable[[np.ndarray, str], object],
        on_time: Callable[[float], object] | None = None,
        *,
        longest_recording: float = LONGEST_RECORDING,
        longest_file: float = LONGEST_FILE,
    ) -> None:
        limits = dict(
            rate=RATE,
            longest_recording=longest_recording,
            longest_file=longest_file,
            largest_file=LARGEST_FILE,
            silence=SILENCE,
        )
        super().__init__(limits=limits)
        self.on_audio, self._take = on_audio, None
        self.on_msg(self._receive)
        if on_time:
            self.observe(lambda change: on_time(change["new"]), "time")

    def seek(self, seconds: float) -> None:
        """Moves the player."""
        self.send({"seek": float(seconds)})

    def _receive(self, widget, content, buffers):
        """A take is a message that begins it, pieces and one that ends it; each is answered."""
        take = content.get("take")
        if "begin" in content:
            # only one at a time: what another page, or this one before it was reloaded, did not end is given up
            self._take, self._pieces = take, {}
            self._name, self._count, self._recorded = str(content["name"]), content["begin"], content["recorded"]
        if take is None or take != self._take:
            return
        if "at" in content:
            self._pieces[content["at"]] = np.frombuffer(bytes(buffers[0]), dtype="<i2")
        self.send({"take": take, "got": len(self._pieces)})
        if "end" in content:
            try:
                refused = self._finish()
            except Exception as error:  # nobody foresaw it; the page must not wait for ever, and the log have it
                refused = f"This recording could not be used ({type(error).__name__}: {error})."
                raise
            finally:
                self._take, self._pieces = None, {}
                self.send({"take": take, "refused": refused})

    def _finish(self):
        """What is wrong with the take that is here now, or "" after `on_audio` took it."""
        samples = np.concatenate([np.empty(0, "<i2"), *(self._pieces[at] for at in sorted(self._pieces))])
        samples = samples.astype("float32") / FULL
        try:
            self._check(samples)
            self.on_audio(samples, self._name)
        except ValueError as error:
            return str(error)
        return ""

    def _check(self, samples):
        seconds = len(samples) / RATE
        what = "The recording" if self._recorded else self._name
        if len(samples) != self._count:
            raise ValueError("Some of the sound was lost on its way to Python; try again.")
        if seconds < MIN_SECONDS:
            raise ValueError(
                f"{what} lasts {seconds:.2f} s; at least {MIN_SECONDS} s are needed."
                + " Press Record, speak, and press Stop." * self._recorded
            )
        if is_silent(np.abs(samples).max(), samples.mean(dtype=float)):
            advice = " Check that the microphone is on and not muted, and that the browser uses the right one."
            raise ValueError(f"{what} is silent: nothing in it is above −{-SILENCE_DB} dB." + advice * self._recorded)


class Saving(HBox):
    """A name and a button that writes `samples` into a folder as a 16-bit wav, and over nothing.

    Parameters
    ----------
    folder
        Made when the first file is written.

    Attributes
    ----------
    samples : (n,) array_like of float in [-1, 1] or None
        16 kHz mono.
    """

    def __init__(self, folder: str | Path) -> None:
        self.folder = Path(folder)
        self.samples: npt.ArrayLike | None = None
        self.name = Text(
            description="keep it as",
            placeholder="a name",
            style=dict(description_width="initial"),
            layout=Layout(width="260px"),
        )
        self.button = Button(
            description="Save",
            icon="download",
            layout=Layout(width="auto"),
            tooltip=f"Writes a wav file into the folder {self.folder}",
        )
        self.said = HTML()
        self.button.on_click(lambda button: self._save())
        super().__init__([self.name, self.button, self.said], layout=Layout(flex_flow="row wrap", align_items="center"))

    def _save(self):
        if self.samples is None:
            self.said.value = message("There is nothing to save yet.")
            return
        try:
            self.said.value = message(f"Saved as {save(self.samples, self.folder, self.name.value)}.")
        except ValueError as error:
            self.said.value = message(str(error))


def save(samples: npt.ArrayLike, folder: str | Path, name: str) -> Path:
    """Writes 16 kHz mono samples as a new wav file.

    Parameters
    ----------
    samples : (n,) array_like of float in [-1, 1]
    folder
        Made if it is not there.
    name
        Of the file in it; ".wav" is added where it is absent.

    Raises
    ------
    ValueError
        For a name that exists, or is none, or leads elsewhere, and if the file cannot be written.

    Examples
    --------
    >>> import tempfile
    >>> folder = tempfile.mkdtemp()
    >>> save(np.zeros(16000), folder, "silence").name
    'silence.wav'
    >>> save(np.zeros(16000), folder, "../silence")
    Traceback (most recent call last):
    ValueError: A name has no / \\ : * ? " < > | in it and does not begin with a dot; '../silence' does.
    """
    name = name.strip()
    if not name:
        raise ValueError("Type a name for the file first.")
    if len(name) > LONGEST_NAME:
        raise ValueError(f"This name has {len(name)} characters; at most {LONGEST_NAME} are taken.")
    if re.search(r'[/\\:*?"<>|]', name) or name.startswith(".") or not name.isprintable():
        raise ValueError(f'A name has no / \\ : * ? " < > | in it and does not begin with a dot; {name!r} does.')
    if RESERVED.fullmatch(name):
        raise ValueError(f"{name!r} is no name for a file on Windows; take another one.")
    path = Path(folder) / (name if name.lower().endswith(".wav") else f"{name}.wav")
    content = wav_bytes(np.clip(np.round(np.asarray(samples) * FULL), -FULL, FULL - 1).astype("int16"), RATE)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with open(path, "xb") as file:  # refuses what exists, be it a link that leads nowhere
            file.write(content)
    except FileExistsError:
        there = path if path.parent.is_dir() else path.parent
        raise ValueError(f"{there} exists already and is kept as it is; take another name.") from None
    except OSError as error:
        with suppress(OSError):
            path.unlink()  # half a file, from a full disk
        raise ValueError(f"{path} cannot be written ({error.strerror}).") from None
    return path
