"""What is the teacher's, before and after a notebook, where the system cannot keep a notebook from writing there."""

import os
import shutil
import tempfile
import threading
from contextlib import contextmanager, suppress
from pathlib import Path

from .releasing import keep

MOST = 1_000_000_000  # bytes that are copied; of larger folders only names, sizes and dates are known


def size(folder):
    """int: bytes of all files in a folder."""
    return sum(found[0] for found in _listing([folder]).values())


def duplicate(folder, target):
    """Copies the files of a folder, also those behind links, to a new one."""
    target.mkdir(parents=True)
    for path in _listing([folder]):
        copy = target / path.relative_to(folder)
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(path, copy)


class Safekeeping:
    """Some folders as they are now, with a copy of the small ones.

    Parameters
    ----------
    folders : sequence of path-like
    """

    def __init__(self, folders):
        self.folders = [Path(folder) for folder in folders if Path(folder).is_dir()]
        self.before, self.guard, self.running = _listing(self.folders), threading.Lock(), []
        self.copies = tempfile.TemporaryDirectory(prefix="emosphere-kept-", ignore_cleanup_errors=True)
        self.copied = {}
        for number, folder in enumerate(self.folders):
            if size(folder) <= MOST:
                self.copied[folder] = Path(self.copies.name, str(number))
                duplicate(folder, self.copied[folder])

    def close(self):
        """Removes the copies."""
        self.copies.cleanup()

    @contextmanager
    def watching(self, notes):
        """While a notebook runs. What has changed by the end is put back, and said of every notebook that ran then.

        Parameters
        ----------
        notes : list of str
            Of this notebook.
        """
        self.running.append(notes)
        try:
            yield
        finally:
            with self.guard:
                changes = self._put_back()
                for others in self.running if changes else ():
                    more = f" and {len(changes) - 5} more" if len(changes) > 5 else ""
                    others.append(f"while this ran, files of the teacher changed: {', '.join(changes[:5])}{more}.")
                self.running = [others for others in self.running if others is not notes]

    def _put_back(self):
        """list of str: what is not as it was, and what has become of it."""
        now, changes = _listing(self.folders), []
        for path in sorted({*now, *self.before}):
            if now.get(path) == self.before.get(path):
                continue
            if path not in self.before:
                changes.append(f"{path} (new)")
                continue
            folder = next(folder for folder in self.folders if folder in path.parents)
            copy = self.copied[folder] / path.relative_to(folder) if folder in self.copied else None
            said = "changed" if path in now else "deleted"
            try:
                if copy:
                    said += f", kept as {keep(path).name}" if path in now else ""
                    path.parent.mkdir(parents=True, exist_ok=True)
                    shutil.copy2(copy, path)
                    said += ", put back"
            except OSError as error:
                said += f", cannot be put back: {error.strerror}"
            changes.append(f"{path} ({said})")
        self.before = _listing(self.folders) if changes else now
        return changes


def _listing(folders):
    """dict of Path to (size, date): of all files in some folders, also behind links."""
    found, seen = {}, set()
    for folder in folders:
        for parent, inner, names in os.walk(folder, followlinks=True):
            if (real := os.path.realpath(parent)) in seen:  # a link to where it comes from
                inner.clear()
                continue
            seen.add(real)
            for name in names:
                with suppress(OSError):  # a link to nothing, or gone meanwhile
                    state = os.stat(os.path.join(parent, name))
                    found[Path(parent, name)] = state.st_size, state.st_mtime_ns
    return found
