"""The board of many runs: a page that shows how they go, wherever they go on. It only reads."""

from .page import board
from .reading import Board

__all__ = ["Board", "board"]
