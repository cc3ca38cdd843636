"""What differs by platform, on platforms that are simulated: nothing of this was run on Windows or macOS."""

import ctypes
import errno
import io
import os
import signal
import subprocess
import sys
from types import SimpleNamespace

import numpy as np
import psutil
import pytest

from emosphere import system, utils
from emosphere.data.loading import make_loader
from emosphere.synthesis import espeak


@pytest.fixture
def windows(monkeypatch):
    monkeypatch.setattr(system, "WINDOWS", True)
    monkeypatch.setattr(system, "LINUX", False)


@pytest.fixture
def macos(monkeypatch):
    monkeypatch.setattr(system, "LINUX", False)
    monkeypatch.setattr(system.platform, "libc_ver", lambda: ("", ""))


def refusing(number):
    def refuse(*arguments, **options):
        raise OSError(number, os.strerror(number))

    return refuse


# files


def test_a_file_system_without_permissions_keeps_files(monkeypatch, tmp_path):
    """As some mounted ones: every chmod is refused."""
    monkeypatch.setattr(os, "chmod", refusing(errno.EPERM))
    utils.write_json(tmp_path / "x.json", {"kept": 1})
    utils.as_the_umask_says(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["x.json"]


def test_on_windows_a_file_that_is_open_is_waited_for(windows, monkeypatch, tmp_path):
    """How `os.replace` refuses there: by PermissionError, for as long as a reader has the file."""
    reader = open(tmp_path / "x.json", "wb")  # noqa: SIM115
    real, asked = os.replace, []

    def replace(old, new):
        asked.append(new)
        if len(asked) == 3:
            reader.close()
        if not reader.closed:
            raise PermissionError(errno.EACCES, "The process cannot access the file", str(new))
        real(old, new)

    monkeypatch.setattr(os, "replace", replace)
    utils.write_json(tmp_path / "x.json", {"kept": 1})
    assert len(asked) == 3 and "kept" in (tmp_path / "x.json").read_text(encoding="utf-8")


@pytest.mark.parametrize("number", [errno.EINVAL, errno.ENOSYS, errno.EOPNOTSUPP])
def test_a_file_system_that_cannot_sync_still_takes_files(monkeypatch, tmp_path, number):
    monkeypatch.setattr(os, "fsync", refusing(number))
    utils.write_json(tmp_path / "x.json", {})
    assert (tmp_path / "x.json").exists()


def test_a_disk_that_fails_is_no_file_system_that_cannot_sync(monkeypatch, tmp_path):
    monkeypatch.setattr(os, "fsync", refusing(errno.EIO))
    with pytest.raises(OSError, match="Input/output"):
        utils.write_json(tmp_path / "x.json", {})
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("number", [errno.ENOLCK, errno.EOPNOTSUPP])
def test_a_file_system_without_locks_is_told_of_and_written_to(monkeypatch, tmp_path, number):
    monkeypatch.setattr(utils.FileLock, "_acquire", refusing(number))
    with pytest.warns(UserWarning, match="has no locks"), utils.only_writer(tmp_path, ".lock", "The run"):
        (tmp_path / "written").touch()
    assert (tmp_path / "written").exists()


def test_a_lock_that_is_refused_for_another_reason_is_an_error(monkeypatch, tmp_path):
    monkeypatch.setattr(utils.FileLock, "_acquire", refusing(errno.EACCES))
    with pytest.raises(PermissionError), utils.only_writer(tmp_path, ".lock", "The run"):
        pass


@pytest.mark.parametrize(("made", "path"), [("C:\\Users\\JRGEN~1", b"C:\\Users\\JRGEN~1"), ("", b"C:\\Users\\J?rgen")])
def test_espeak_gets_a_path_without_accents_on_windows(windows, monkeypatch, made, path):
    def short(path, buffer, size):
        buffer.value = made
        return len(made)

    kernel32 = SimpleNamespace(GetShortPathNameW=short)
    monkeypatch.setattr(ctypes, "windll", SimpleNamespace(kernel32=kernel32), raising=False)
    monkeypatch.setattr(system, "CODE_PAGE", "ascii")  # "mbcs" is known on Windows alone
    assert system.plain_path("C:\\Users\\Jürgen") == path
    assert system.plain_path("C:\\Temp") == b"C:\\Temp"


def test_elsewhere_a_path_stays_its_bytes():
    assert system.plain_path(os.fsdecode(b"/M\xfcller")) == b"/M\xfcller"


@pytest.mark.parametrize(("named", "closed_by"), [("WINDOWS", "FreeLibrary"), ("LINUX", "dlclose")])
def test_a_library_is_unloaded_as_the_platform_does(monkeypatch, named, closed_by):
    import _ctypes

    closed = []
    monkeypatch.setattr(system, "WINDOWS", named == "WINDOWS")
    monkeypatch.setattr(_ctypes, closed_by, closed.append, raising=False)
    monkeypatch.setattr(ctypes, "CDLL", lambda path: SimpleNamespace(_handle=path))
    with pytest.raises(KeyError), system.loaded("speech.dll"):
        raise KeyError
    assert closed == ["speech.dll"]


def test_the_same_is_said_whatever_was_loaded_before():
    assert np.array_equal(espeak.synthesize("Good morning."), espeak.synthesize("Good morning."))


# processes and signals


@pytest.mark.posix
def test_where_there_is_a_ctrl_break_it_ends_a_block_too(monkeypatch):
    """SIGBREAK is Windows' own; a signal of this system stands for it."""
    monkeypatch.setattr(system, "ENDING", (signal.SIGTERM, signal.SIGINT))
    before = signal.signal(signal.SIGINT, signal.SIG_DFL)
    try:
        for number in system.ENDING:
            with pytest.raises(SystemExit) as ended, system.stoppable():
                signal.raise_signal(number)
            assert ended.value.code == 128 + number and signal.getsignal(number) is signal.SIG_DFL
    finally:
        signal.signal(signal.SIGINT, before)


def test_signals_are_what_they_were():
    before = signal.getsignal(signal.SIGINT)
    with system.keeping_signals():
        signal.signal(signal.SIGINT, signal.SIG_DFL)
    assert signal.getsignal(signal.SIGINT) is before
    with system.deaf_to_ctrl_c():
        signal.raise_signal(signal.SIGINT)
    assert signal.getsignal(signal.SIGINT) is before


def test_children_are_ended_by_the_word_in_their_command_line():
    wait = [sys.executable, "-c", "import sys, time; print(flush=True); time.sleep(60)"]
    kept, ended = (subprocess.Popen([*wait, word], stdout=subprocess.PIPE) for word in ("kept", "kernel"))
    try:
        for process in (kept, ended):
            process.stdout.readline()
        system.end_children("kernel")
        assert ended.wait(20) != 0 and kept.poll() is None
    finally:
        for process in (kept, ended):
            process.kill()
            process.communicate()


def test_a_child_that_may_not_be_looked_at_is_left(monkeypatch):
    child = SimpleNamespace(cmdline=lambda: (_ for _ in ()).throw(psutil.AccessDenied(1)))
    monkeypatch.setattr(system.psutil, "Process", lambda: SimpleNamespace(children=lambda recursive: [child]))
    system.end_children("kernel")


def test_workers_are_no_forks_where_a_fork_is_unsafe(macos):
    assert system.start_method() == "spawn"
    loader = make_loader([(0, 0)], [[0]], workers=1)
    assert loader.multiprocessing_context.get_start_method() == "spawn"
    assert make_loader([(0, 0)], [[0]]).multiprocessing_context is None


def test_workers_are_forks_on_linux_whatever_pythons_own_choice(monkeypatch):
    monkeypatch.setattr(system, "LINUX", True)
    monkeypatch.setattr(os, "fork", lambda: None, raising=False)
    assert system.start_method() == "fork"
    monkeypatch.delattr(os, "fork")
    assert system.start_method() == "spawn"


# libraries and the machine


def test_another_c_library_than_glibc_is_left_alone(macos, monkeypatch):
    monkeypatch.setattr(ctypes, "CDLL", lambda path: pytest.fail("it has no mallopt"))
    assert system.use_fast_allocator() is False


def test_glibc_is_told_three_things(monkeypatch):
    told = []
    libc = SimpleNamespace(mallopt=lambda option, value: not told.append((option, value)))
    monkeypatch.setattr(system.platform, "libc_ver", lambda: ("glibc", "2.36"))
    monkeypatch.setattr(ctypes, "CDLL", lambda path: libc)
    assert system.use_fast_allocator() is True
    assert told == [(-4, 0), (-1, 2**31 - 1), (-2, 256 * 2**20)]


@pytest.mark.parametrize("text", [None, "processor : 0\nBogoMIPS : 50.00\n"])
def test_a_machine_without_a_name_in_proc_has_one(monkeypatch, tmp_path, text):
    (tmp_path / "cpuinfo").write_text(text or "", encoding="utf-8")
    monkeypatch.setattr(system, "Path", lambda path: tmp_path / ("cpuinfo" if text else "none"))
    monkeypatch.setattr(system.platform, "processor", lambda: "")
    monkeypatch.setattr(system.platform, "machine", lambda: "arm64")
    assert system.machine()["processor"] == "arm64"


# what is said and shown


class Pipe(io.TextIOWrapper):
    """Standard output as Windows gives it to a programme behind a pipe."""

    def __init__(self):
        super().__init__(io.BytesIO(), encoding="cp1252", newline="\r\n")

    @property
    def bytes(self):
        self.flush()
        return self.buffer.getvalue()


def test_what_a_pipe_cannot_say_is_no_error(monkeypatch):
    pipe = Pipe()
    monkeypatch.setattr(sys, "stdout", pipe)
    system.say_anything()
    print("5 → 3: Jürgen")
    assert pipe.bytes == "5 ? 3: Jürgen\r\n".encode("cp1252")


def test_a_table_for_other_programmes_is_utf_8():
    pipe = Pipe()
    with system.piped(pipe) as stream:
        stream.write("5 → 3\n")
    assert pipe.bytes == "5 → 3\n".encode()


@pytest.mark.parametrize(("number", "named"), [(errno.EPIPE, "LINUX"), (errno.EINVAL, "WINDOWS")])
def test_who_has_read_enough_is_no_error(monkeypatch, tmp_path, number, named):
    monkeypatch.setattr(system, "WINDOWS", named == "WINDOWS")
    with open(tmp_path / "pipe", "w", encoding="utf-8") as stream:
        with system.piped(stream):
            refusing(number)()
        stream.write("nobody reads it")
    assert not (tmp_path / "pipe").read_text(encoding="utf-8")


def test_another_error_of_a_pipe_is_one(tmp_path):
    with open(tmp_path / "pipe", "w", encoding="utf-8") as stream, pytest.raises(OSError), system.piped(stream):
        refusing(errno.EINVAL)()


@pytest.mark.parametrize(
    ("there", "linux", "opened"),
    [
        ({}, True, False),
        ({"DISPLAY": ":0"}, True, True),
        ({"WAYLAND_DISPLAY": "0"}, True, True),
        ({}, False, True),
        ({"SSH_CONNECTION": "x", "DISPLAY": ":0"}, True, False),
    ],
)
def test_a_page_opens_where_somebody_sits(monkeypatch, there, linux, opened):
    for name in ("DISPLAY", "WAYLAND_DISPLAY", "SSH_CONNECTION"):
        monkeypatch.delenv(name, raising=False)
    for name, value in there.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(system, "LINUX", linux)
    monkeypatch.setattr(system.webbrowser, "open", lambda address: True)
    assert system.open_page("http://localhost/") is opened
