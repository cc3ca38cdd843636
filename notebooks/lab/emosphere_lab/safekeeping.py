"""What is the teacher's, before and after a notebook: no system keeps it from changing modes and dates there."""

import os
import shutil
import stat
import tempfile
import threading
from contextlib import contextmanager, suppress
from pathlib import Path

from emosphere_lab.releasing import keep

MOST = 1_000_000_000  # bytes that are copied; of larger folders only names, sizes, dates and modes are known


def size(folder):
    """int: bytes of all files in a folder."""
    return sum(found[0] for found in _listing([folder]).values())


def duplicate(folder, target):
    """Copies the files of a folder, also those behind links, to a new one."""
    target.mkdir(parents=True)
    for path in _listing([folder]):
        copy = target / path.relative_to(folder)
        if path.is_dir():
            copy.mkdir(exist_ok=True)
        else:
            shutil.copy2(path, copy)


class Safekeeping:
    """Some folders as they are now, with a copy of the small ones.

    Parameters
    ----------
    folders : sequence of path-like
    locked : bool
        Whether nobody writes there anyway: then there are no copies, and another date can only be a false one.
    but : path-like, optional
        A folder that may change.
    """

    def __init__(self, folders, *, locked=False, but=None):
        self.folders = [Path(folder) for folder in folders if Path(folder).is_dir()]
        self.locked, self.but = locked, but
        self.before, self.guard, self.running = _listing(self.folders, but), threading.Lock(), []
        self.copies = tempfile.TemporaryDirectory(prefix="emosphere-kept-", ignore_cleanup_errors=True)
        self.copied = {}
        for number, folder in enumerate(self.folders):
            if not locked and size(folder) <= MOST:
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
        now, changes = self._with_modes()
        for path in sorted({*now, *self.before}):
            here, before = now.get(path), self.before.get(path)
            if here == before or (here and before and here[:2] == before[:2]):
                continue
            if not before:
                changes[path] = "new"
                continue
            folder = next(folder for folder in self.folders if path.is_relative_to(folder))
            copy = self.copied[folder] / path.relative_to(folder) if folder in self.copied else None
            said = "changed" if here else "deleted"
            try:
                if self.locked and here and here[0] == before[0] and None not in (here[1], before[1]):
                    os.utime(path, ns=(before[1], before[1]))
                    said = "another date, put back"
                elif copy or before[1] is None:
                    said += f", kept as {keep(path).name}" if here else ""
                    path.parent.mkdir(parents=True, exist_ok=True)
                    path.mkdir() if before[1] is None else shutil.copy2(copy, path)
                    said += ", put back"
            except OSError as error:
                said += f", cannot be put back: {error.strerror}"
            changes[path] = said
        self.before = self._with_modes()[0] if changes else now
        return [f"{path} ({changes[path]})" for path in sorted(changes)]

    def _with_modes(self):
        """What is there now, and what was done about other modes, by path: a folder's first, or it may not be read."""
        said = {}
        while True:
            now = _listing(self.folders, self.but)
            others = [
                path
                for path in self.before.keys() & now.keys() - said.keys()
                if now[path][2] != self.before[path][2] and (now[path][1] is None) == (self.before[path][1] is None)
            ]
            if not others:
                return now, said
            for path in sorted(others):
                said[path] = "another mode, put back"
                try:
                    path.chmod(self.before[path][2])
                except OSError as error:
                    said[path] = f"another mode, cannot be put back: {error.strerror}"


def _listing(folders, but=None):
    """dict of Path to (size, date, mode): of all files in some folders, also behind links; folders have no date."""
    found, seen = {}, set()
    for folder in map(Path, folders):
        with suppress(OSError):
            found[folder] = 0, None, stat.S_IMODE(os.stat(folder).st_mode)
        for parent, inner, names in os.walk(folder, followlinks=True):
            if (real := os.path.realpath(parent)) in seen:  # a link to where it comes from
                inner.clear()
                continue
            seen.add(real)
            inner[:] = [name for name in inner if but is None or Path(parent, name) != but]
            for name in (*inner, *names):
                with suppress(OSError):  # a link to nothing, or gone meanwhile
                    state = os.stat(os.path.join(parent, name))
                    known = (0, None) if stat.S_ISDIR(state.st_mode) else (state.st_size, state.st_mtime_ns)
                    found[Path(parent, name)] = *known, stat.S_IMODE(state.st_mode)
    return found
