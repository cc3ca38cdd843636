"""A lab in a class: what a student sends to the teacher's board, once they have joined it.

Each exercise's outcome, the number of a hint and the scores of a run are kept as a small file beside the progress, and
a thread takes them to the board. So a cell never waits for a network, and what could not be sent is sent when the
board is there again.
"""

import http.client
import json
import os
import re
import secrets
import shutil
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from emosphere.utils import EmoSphereError, write_json
from emosphere_lab import progress
from emosphere_lab.spoken import hint_number

FOLDER = Path("../../runs/lab")
PORT = 8765
WAITING = 500
"""Things at most that wait for the network; the oldest ones make room."""
AGAIN, PATIENCE = 15, 4  # seconds until the board is tried again, and for it to answer
SENT = "which exercise, whether it is passed, the number of a hint, in L4 a run's scores. No code, no answers."

told: list[Callable[[], None]] = []
"""Called when what `status` says may have changed."""
_wake, _lock = threading.Event(), threading.Lock()
_thread: threading.Thread | None = None
_said = ""


class ClassroomError(EmoSphereError, RuntimeError):
    """A class that cannot be joined, or that does not take what is sent; the message says why."""


def join(address: str, name: str = "") -> None:
    """Joins a class. Later labs are in the class by themselves, until `leave`.

    Parameters
    ----------
    address : str
        As it stands on the teacher's page, such as "192.168.1.5:8765/abcd2345".
    name : str
        Or none.

    Raises
    ------
    ClassroomError
        If it cannot be joined.
    OSError
        If nothing can be kept on the disk.
    """
    if os.environ.get("NBGRADER_EXECUTION"):
        return
    place = _place(address)
    _file().parent.mkdir(parents=True, exist_ok=True)
    answer = _ask(place, "/join", {"name": str(name)})
    if not {"student", "key", "class", "name"} <= answer.keys():
        raise ClassroomError(f"What answers at {place.partition('/')[0]} is no board of a class.")
    leave()
    kept = {key: answer[key] for key in ("student", "key", "class", "name")}
    write_json(_file(), kept | {"address": place})
    with suppress(OSError):  # a file system may know no permissions
        _file().chmod(0o600)
    begin()
    for told in progress.known():  # before they joined
        _hears(told)


def leave() -> None:
    """Leaves the class; nothing is sent from now on, and what waits is not sent either."""
    _file().unlink(missing_ok=True)
    shutil.rmtree(_box(), ignore_errors=True)
    _tell()


def begin() -> None:
    """Sends from now on, if the student has joined a class before."""
    global _thread
    if _hears not in progress.listeners:
        progress.listeners.append(_hears)
    with _lock:
        if me() and not (_thread and _thread.is_alive()):
            _thread = threading.Thread(target=_send_all, daemon=True, name="classroom")
            _thread.start()
    _wake.set()
    _tell()


def me() -> dict[str, Any] | None:
    """``student`` (number), ``class``, ``name``, ``address`` and ``key``; None if no class has been joined."""
    if os.environ.get("NBGRADER_EXECUTION"):
        return None
    try:
        kept = json.loads(_file().read_text(encoding="utf-8"))
        whole = {"student", "key", "class", "name", "address"} <= kept.keys() and type(kept["student"]) is int
        return kept if whole else None
    except (OSError, ValueError, AttributeError):
        return None


def seeds(count: int) -> tuple[int, ...]:
    """The seeds that this student trains: 0 to count - 1, or, in a class, some that nobody else has.

    Examples
    --------
    >>> seeds(3)
    (0, 1, 2)
    """
    here = me()
    first = count * (here["student"] - 1) if here else 0
    return tuple(range(first, first + count))


def send_runs(rows: Sequence[dict]) -> None:
    """Sends runs: dicts with ``variant``, ``settings``, ``seed`` and the four CCCs. Without a class nothing happens."""
    for row in rows:
        _put({"kind": "run"} | row)


def pool() -> list[dict] | None:
    """The runs of the class, with the number of each ``student``; None if no class has been joined.

    Raises
    ------
    ClassroomError
        If the board does not answer.
    """
    here = me()
    return None if here is None else _ask(here["address"], "/pool")["runs"]


def status() -> str:
    """A sentence: who the student is, or that the board does not answer."""
    here = me()
    if here is None:
        return _said
    called = f", {here['name']}," if here["name"] else ""
    waiting = len(_waiting())
    away = f" {_said} {waiting} results wait and are sent when it is there again." if _said and waiting else ""
    return f"You are student {here['student']}{called} in {here['class']}.{away}"


def _hears(told):
    if me():
        hint = hint_number(told.get("hint") or "")
        thing = {"exercise": told["exercise"], "outcome": told.get("outcome") or "hint"}
        _put({"kind": "record", "step": int(told.get("opened", 0)), "hint": hint} | thing)


def _put(thing):
    """Keeps something to be sent; whatever is wrong with the disk, no cell hears of it."""
    with suppress(Exception):
        if me() is None:
            return
        _box().mkdir(parents=True, exist_ok=True)
        for old in _waiting()[: 1 - WAITING]:
            old.unlink(missing_ok=True)
        name = f"{time.time_ns()}-{secrets.token_hex(4)}"
        write_json(_box() / f"{name}.json", thing | {"id": name})
        begin()


def _send_all():
    global _said
    while here := me():
        try:
            _send(here)
            _said = ""
        except ClassroomError as error:
            _said = str(error)
        except Exception:  # a thread that ends would send nothing more
            _said = "The results could not be sent."
        _tell()
        _wake.wait(AGAIN)
        _wake.clear()


def _send(here):
    while files := _waiting()[:50]:
        things = {file: _read(file) for file in files}
        sent = [thing for thing in things.values() if thing]
        try:
            _ask(here["address"], "/send", {"student": here["student"], "key": here["key"], "sent": sent})
        except _Refused as error:
            if "join again" in str(error):
                leave()
                raise
            if len(files) > 1:  # one of them, but which?
                for file, thing in things.items():
                    with suppress(_Refused):
                        _ask(here["address"], "/send", {**here, "sent": [thing] if thing else []})
                    file.unlink(missing_ok=True)
                continue
        for file in files:
            file.unlink(missing_ok=True)


class _Refused(ClassroomError):
    """The board is there, and does not take it."""


def _ask(place, path, sent=None):
    base, _, token = place.partition("/")
    body = None if sent is None else json.dumps(sent).encode()
    request = urllib.request.Request(f"http://{base}{path}", body, {"Authorization": f"Bearer {token}"})
    try:
        # a school's proxy knows nothing of the room
        with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request, timeout=PATIENCE) as answer:
            found = json.load(answer)
            if not isinstance(found, dict):
                raise ValueError("it answers something else")
            return found
    except urllib.error.HTTPError as error:
        if error.code == 403:
            raise ClassroomError(
                f"The board at {base} does not know the word {token!r}: look at the address again."
            ) from None
        with suppress(ValueError, OSError, KeyError, TypeError):
            if error.code == 400:  # the only one with which a board says no to what is sent
                raise _Refused(str(json.load(error)["error"])) from None
        raise ClassroomError(f"The board at {base} answered with {error.code}.") from None
    except (OSError, ValueError, http.client.HTTPException) as error:
        reason = getattr(error, "reason", error)
        raise ClassroomError(
            f"No board answers at {base} ({reason}). Are you in the same Wi-Fi as your teacher, and no guest network?"
        ) from None


def _place(address):
    """host:port/word, however it was typed.

    Examples
    --------
    >>> _place(" http://192.168.1.5/ABCD2345 ")
    '192.168.1.5:8765/abcd2345'
    """
    text = re.sub(r"^\w+://", "", address.strip().lower().replace(" ", ""))
    found = re.fullmatch(r"([a-z0-9.-]+)(?::(\d{1,5}))?/(?:\?token=)?([a-z0-9]+)/?", text)
    if not found:
        raise ClassroomError("The address is of the form 192.168.1.5:8765/abcd2345; your teacher has it.")
    return f"{found[1]}:{found[2] or PORT}/{found[3]}"


def _file():
    return (progress.folder() or FOLDER.resolve()) / "class.json"


def _box():
    return _file().with_name("outbox")


def _waiting():
    return sorted(_box().glob("*.json"))


def _read(file):
    try:
        return json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None


def _tell():
    for listener in (*told,):
        with suppress(Exception):
            listener()
