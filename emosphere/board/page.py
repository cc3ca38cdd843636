"""The page of the board, on this computer alone unless somebody asks for more."""

from pathlib import Path

from ..serving import Server
from ..system import open_page
from .reading import Board

PAGE = Path(__file__).with_name("static") / "board.html"


def board(folder: str | Path = "runs", *, host: str = "127.0.0.1", port: int = 0, browser: bool = True) -> Server:
    """Serves the board of a folder of runs, and opens it in the browser.

    Parameters
    ----------
    folder
        Of all experiments, or of one.
    host, port
        As for `emosphere.serving.Server`.
    browser
        Whether to open it.

    Raises
    ------
    ConfigError
        If there is no such folder.
    ServingError
        If the port cannot be used.
    """
    runs = Board(folder)
    server = Server(
        PAGE,
        {
            "/state": lambda query, sent: runs.state(),
            "/curves": lambda query, sent: {key: runs.curves(key) for key in _keys(query)},
            "/differences": lambda query, sent: runs.differences(_keys(query)),
            "/failure": lambda query, sent: runs.failure(query.get("id", "")),
            "/table": lambda query, sent: runs.table(query.get("experiment", ""), query.get("name", "")),
        },
        host=host,
        port=port,
    )
    if browser:
        open_page(server.address)
    return server


def _keys(query):
    return [key for key in query.get("ids", "").split("\n") if key]
