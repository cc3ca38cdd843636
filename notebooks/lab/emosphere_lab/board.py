"""``emosphere lab board``: the class on one page, for the teacher and the projector, over the local network.

Students get a short address that opens nothing but joining, sending and the class's pool; the page, with names, is
for the teacher's token alone.
"""

import json
import time
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from emosphere.serving import Answer, Server, ServingError, new_token, own_address
from emosphere.system import open_page
from emosphere.utils import EmoSphereError, only_writer, write_json
from emosphere_lab.l4_pool import COLUMNS, pooled
from emosphere_lab.roll import ClassError, Roll, clean

PORT = 8765
PAGE = Path(__file__).parent / "static" / "board.html"


class Board:
    """A class's page with its server.

    Parameters
    ----------
    folder
        Of the class: what it has done, its tokens and its port, so that after a restart everything goes on.
    name
        Of the class; without it the one it had.
    port
        Without it the one that the class had, or 8765; if that is taken, any.
    host
        ``"0.0.0.0"``: for all that reach this computer.

    Raises
    ------
    ServingError
        If the given port is taken.
    """

    def __init__(self, folder: str | Path, *, name: str = "", port: int | None = None, host: str = "0.0.0.0"):
        self.roll = Roll(folder)
        self.file = Path(folder) / "board.json"
        kept = _kept(self.file)
        self.name = clean(name, 40) or kept.get("name") or "our class"
        self.students = kept.get("students") or new_token()
        answers: dict[str, Answer] = {"/state": self._state, "/change": lambda query, sent: self.roll.change(sent)}
        guests: dict[str, Answer] = {
            "/join": self._join,
            "/send": lambda query, sent: self.roll.take(sent),
            "/pool": lambda query, sent: {"runs": [{name: run[name] for name in COLUMNS} for run in self.roll.runs]},
            f"/{self.students}": lambda query, sent: {
                "what to do": "This address is for the lab notebooks: type it there, in the line that says Class."
            },
        }
        wanted = port or kept.get("port") or PORT
        more: dict[str, Any] = {"host": host, "token": kept.get("teacher"), "guests": {self.students: guests}}
        try:
            self.server = Server(PAGE, answers, port=wanted, **more)
        except ServingError:
            if port:
                raise
            self.server = Server(PAGE, answers, **more)
        about = {"name": self.name, "port": self.server.port, "students": self.students, "teacher": self.server.token}
        try:
            write_json(self.file, about)
        except OSError:
            self.server.stop()
            raise

    @property
    def address(self) -> str:
        """What students type into their lab."""
        host = own_address() if self.server.host == "0.0.0.0" else self.server.host
        return f"{host}:{self.server.port}/{self.students}"

    def _join(self, query, sent):
        return self.roll.join(sent) | {"class": self.name}

    def _state(self, query, sent):
        if query.get("known") == str(self.roll.version):
            return {"version": self.roll.version, "now": time.time()}
        about = {"class": self.name, "address": self.address, "now": time.time()}
        return about | {"pool": pooled(list(self.roll.runs))} | self.roll.state()


def _kept(file):
    try:
        kept = json.loads(file.read_text(encoding="utf-8"))
        return kept if isinstance(kept, dict) else {}
    except (OSError, ValueError):
        return {}


def board(folder: str = "runs/class", *, name: str = "", port: int | None = None, browser: bool = True) -> None:
    """Serves a class until Ctrl-C, and opens the teacher's page.

    Parameters
    ----------
    folder, name, port
        As for `Board`.
    browser
        Whether to open it.
    """
    with ExitStack() as stack:
        try:
            Path(folder).mkdir(parents=True, exist_ok=True)
            stack.enter_context(only_writer(folder, ".lock", "The class"))
            shown = Board(folder, name=name, port=port)
        except OSError as error:
            if isinstance(error, EmoSphereError):
                raise
            raise ClassError(f"The class cannot be kept in {folder} ({error}): give another one, --folder.") from None
        with shown.server as server:
            own = f"http://127.0.0.1:{server.port}/?token={server.token}"
            print(f"{shown.name}. Students type this into the line Class of their lab:\n\n    {shown.address}\n")
            print(f"Your page, with names, for you alone:  {own}")
            print(
                f"The class is kept in {folder}. Ctrl-C ends the board; the same command goes on with it.", flush=True
            )
            if shown.address.startswith("127."):
                print("This computer is in no network now: nobody else reaches the board.")
            if browser:
                open_page(own)
            server.wait()
