"""A page on this computer, or for the machines of a room: some files, and answers in JSON, for whoever has the token.

Tornado [1]_ does the work; it comes with Jupyter.

References
----------
.. [1] https://www.tornadoweb.org
"""

import asyncio
import hmac
import html
import json
import secrets
import socket
import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Self

from .utils import EmoSphereError

MAX_BODY = 1_000_000  # bytes that somebody may send at a time
PATIENCE = 30  # seconds, until who sends nothing more is sent away
TYPES = {".js": "text/javascript", ".css": "text/css"}
LETTERS = "abcdefghjkmnpqrstuvwxyz23456789"  # without those that are taken for one another when read aloud

Answer = Callable[[dict[str, str], Any], Any]
"""From the query and the JSON that was sent (None if nothing was) to what is answered in JSON.

`EmoSphereError` becomes status 400 with its sentence as ``error``, any other error status 500; a `pathlib.Path` is a
file to be sent. Numbers that JSON does not know, such as NaN, become null."""


class ServingError(EmoSphereError, OSError):
    """A page that cannot be served."""


def new_token(length: int = 8) -> str:
    """A token that can be read aloud and typed.

    Examples
    --------
    >>> token = new_token()
    >>> len(token), set(token) <= set(LETTERS)
    (8, True)
    """
    return "".join(secrets.choice(LETTERS) for _ in range(length))


class Server:
    """A page with its answers, in a thread of its own until `stop`.

    Whoever asks gives the token: in the query, as the page's own link does, or in the header ``Authorization: Bearer``.
    Only scripts and style sheets, which hold nothing of anybody's, are for all.

    Parameters
    ----------
    page
        The HTML file at ``/``; the files beside it are served under their names, none below or above.
    answers
        By path, such as ``{"/state": answer}``.
    host
        ``"127.0.0.1"`` for this computer alone, ``"0.0.0.0"`` for all that reach it.
    port
        0: any that is free.
    token
        A new one if not given.
    guests
        Further tokens, each with the answers that it opens, and nothing else: not the page, not what the first one
        opens.

    Raises
    ------
    ServingError
        If the port is taken, or may not be used, or the host is none.

    Examples
    --------
    >>> import tempfile, urllib.request
    >>> page = Path(tempfile.mkdtemp()) / "page.html"
    >>> _ = page.write_text("<p>Hello</p>", encoding="utf-8")
    >>> with Server(page, {"/twice": lambda query, sent: {"twice": 2 * int(query["n"])}}) as server:
    ...     asked = urllib.request.urlopen(f"http://127.0.0.1:{server.port}/twice?n=4&token={server.token}")
    ...     print(asked.read().decode())
    {"twice": 8}
    """

    def __init__(
        self,
        page: str | Path,
        answers: Mapping[str, Answer],
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        token: str | None = None,
        guests: Mapping[str, Mapping[str, Answer]] | None = None,
    ):
        self.page, self.host = Path(page), host
        self.token = token or new_token()
        self.opened = {self.token: dict(answers), **(guests or {})}
        self._stopping: Callable[[], object] = lambda: None
        self._failed: Exception | None = None
        ready = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._serve(port, ready)), daemon=True)
        self._thread.start()
        ready.wait()
        if self._failed:
            raise ServingError(
                f"Port {port} cannot be used on {host} ({self._failed}). Give another one with --port, or none."
            )

    @property
    def address(self) -> str:
        """The link to the page, with its token, for another machine if the host is all."""
        host = own_address() if self.host == "0.0.0.0" else self.host
        return f"http://{host}:{self.port}/?token={self.token}"

    def wait(self) -> None:
        """Until it is stopped, or Ctrl-C."""
        while self._thread.is_alive():
            self._thread.join(0.5)

    def stop(self) -> None:
        """Ends it; its port is free then."""
        if self._thread.is_alive():
            self._stopping()
            self._thread.join()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    async def _serve(self, port: int, ready: threading.Event) -> None:
        from tornado import httpserver, netutil, web

        stopped, loop = asyncio.Event(), asyncio.get_running_loop()
        try:
            if not 0 <= port < 65536:
                raise OverflowError("ports end with 65535")
            sockets = netutil.bind_sockets(port, self.host, socket.AF_INET)
        except (OSError, OverflowError, UnicodeError) as error:
            self._failed = error
            ready.set()
            return
        self.port = sockets[0].getsockname()[1]
        self._stopping = lambda: loop.call_soon_threadsafe(stopped.set)
        application = web.Application([(r"/.*", _handler(web), {"server": self})], log_function=lambda handler: None)
        limits = {"max_body_size": MAX_BODY, "max_buffer_size": 2 * MAX_BODY}
        server = httpserver.HTTPServer(application, **limits, idle_connection_timeout=PATIENCE, body_timeout=PATIENCE)
        server.add_sockets(sockets)
        ready.set()
        await stopped.wait()
        server.stop()
        await server.close_all_connections()


def own_address() -> str:
    """This computer's address in its network, as others there reach it; "127.0.0.1" where there is no network."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("10.255.255.255", 9))  # nothing is sent: the system only says which way it would go
            return probe.getsockname()[0]
        except OSError:
            return "127.0.0.1"


def _json(found):
    try:
        return json.dumps(found, allow_nan=False)
    except ValueError:
        return json.dumps(json.loads(json.dumps(found), parse_constant=lambda name: None))


def _handler(web):
    class Handler(web.RequestHandler):
        def initialize(self, server):
            self.ours, self.answers = server, {}

        def prepare(self):
            if self.request.method == "GET" and self.beside():
                return
            given = self.get_query_argument("token", "") or self.request.headers.get("Authorization", "")
            given = given.removeprefix("Bearer ").encode()
            known = [token for token in self.ours.opened if hmac.compare_digest(given, token.encode())]
            if not known or (self.request.path == "/" and known != [self.ours.token]):
                self.refuse(403, "This page is for those who have its link with the token: ask whoever started it.")
                return
            self.answers = self.ours.opened[known[0]]

        def set_default_headers(self):
            self.clear_header("Server")
            self.set_header("Cache-Control", "no-store")
            self.set_header("Referrer-Policy", "no-referrer")  # the token is in the address
            self.set_header("X-Content-Type-Options", "nosniff")
            self.set_header("X-Frame-Options", "DENY")

        def write_error(self, status_code, **_):
            self.refuse(status_code, f"This cannot be answered ({self._reason}).")

        def refuse(self, status, sentence):
            self.set_status(status)
            self.finish({"error": sentence})

        async def answer(self, sent):
            query = {name: self.get_query_argument(name) for name in self.request.query_arguments if name != "token"}
            answer = self.answers[self.request.path]
            try:
                found = await asyncio.get_running_loop().run_in_executor(None, answer, query, sent)
            except EmoSphereError as error:
                self.refuse(400, str(error))
                return
            if isinstance(found, Path):
                self.send(found)
            else:
                self.set_header("Content-Type", "application/json")
                self.finish(_json(found))

        async def get(self):
            path = self.request.path
            if path in self.answers:
                await self.answer(None)
            elif path == "/":
                self.send(self.ours.page)
            elif found := self.beside():
                self.send(found)
            else:
                self.refuse(404, f"There is no {html.escape(path)} here.")

        async def post(self):
            if self.request.path not in self.answers:
                self.refuse(404, f"There is no {html.escape(self.request.path)} here.")
                return
            try:
                sent = json.loads(self.request.body)
            except (ValueError, RecursionError):
                self.refuse(400, "What was sent is no JSON.")
                return
            await self.answer(sent)

        def beside(self):
            """The script or style sheet beside the page that is asked for."""
            files = self.ours.page.parent.iterdir()
            return next((file for file in files if file.suffix in TYPES and f"/{file.name}" == self.request.path), None)

        def send(self, path):
            kind = "text/html" if path == self.ours.page else TYPES.get(path.suffix, "application/octet-stream")
            self.set_header("Content-Type", f"{kind}; charset=utf-8")
            self.finish(path.read_bytes())

    return Handler
