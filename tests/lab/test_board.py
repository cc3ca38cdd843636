"""A class's board: what students send comes to it, what others send does not, and nothing is lost on the way."""

import json
import socket
import threading
import time
import urllib.error
import urllib.request

import pytest
from emosphere_lab import classroom, progress
from emosphere_lab.board import Board
from emosphere_lab.board import board as serve
from emosphere_lab.joining import Line
from emosphere_lab.l4_pool import pooled
from emosphere_lab.roll import STUDENTS, ClassError, Roll, clean
from emosphere_lab.spoken import hint_number, hint_words

from . import students
from .wrong_l1 import WRONG


@pytest.fixture(autouse=True)
def alone(monkeypatch, tmp_path):
    """No class joined, nothing told, in a folder of one's own."""
    monkeypatch.delenv("NBGRADER_EXECUTION", raising=False)
    monkeypatch.setattr(classroom, "AGAIN", 0.1)
    monkeypatch.setattr(classroom, "_said", "")
    progress.forget()
    progress.begin(tmp_path / "alone")
    yield
    classroom.leave()
    progress.listeners[:] = [heard for heard in progress.listeners if heard is not classroom._hears]
    progress.forget()


@pytest.fixture
def board(tmp_path):
    shown = Board(tmp_path / "class", name="7b", host="127.0.0.1", port=0)
    yield shown
    shown.server.stop()


def ask(board, path, sent=None, token=None):
    """Status and answer."""
    body = None if sent is None else sent if isinstance(sent, bytes) else json.dumps(sent).encode()
    headers = {"Authorization": f"Bearer {token or board.students}"}
    request = urllib.request.Request(f"http://127.0.0.1:{board.server.port}{path}", body, headers)
    try:
        with urllib.request.urlopen(request) as answer:
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as error:
        return error.code, json.load(error)


def seen(board):
    return ask(board, "/state", token=board.server.token)[1]


def test_a_class_of_five_works_and_its_teacher_sees_it(board, tmp_path):
    for number, name in enumerate(students.NAMES):
        students.begin(tmp_path / str(number), board.address, name)
        students.work(number, ["L1"], far=(99, 3, 2, 1, 0)[number])
        classroom.send_runs([*students.recorded_runs(students.VARIANTS[number], classroom.seeds(1))])
        assert students.sent()
    state = seen(board)
    assert [student["number"] for student in state["students"]] == [1, 2, 3, 4, 5]
    assert [student["name"] for student in state["students"]] == ["Ana", "Ben", "", "<b>Cem</b>", "Ana"]
    assert [student["points"] for student in state["students"]] == [9, 7, 4, 1, 0]
    passed = {each["key"]: each["passed"] for each in state["exercises"]}
    assert [passed[f"L1-{n}"] for n in (1, 2, 3, 4)] == [4, 3, 2, 1]
    stuck = {each["key"]: each["common"] for each in state["exercises"]}
    assert WRONG["L1-1"][0][1] in stuck["L1-1"], "what the one is told who is stuck there"
    assert {row["variant"]: row["seeds"] for row in state["pool"]["rows"]} == {
        "auxiliary=none": 2, "pooling=statistics": 2, "layer=last": 1
    }  # fmt: skip
    assert [ask(board, "/pool")[1]["runs"][n]["student"] for n in (0, 2)] == [1, 2]


def test_nothing_is_sent_before_joining_nor_under_nbgrader(board, monkeypatch):
    students.work(0, ["L1"])
    assert not classroom._waiting() and not seen(board)["students"]
    monkeypatch.setenv("NBGRADER_EXECUTION", "autograde")
    classroom.join(board.address)
    assert classroom.me() is None and not seen(board)["students"]


def test_what_is_sent_holds_no_word_of_a_student(board, tmp_path, monkeypatch):
    there = []
    monkeypatch.setattr(classroom, "_send", lambda here: there.extend(map(classroom._read, classroom._waiting())))
    students.begin(tmp_path / "a", board.address, "Ana")
    students.answer("L1", "L1-1", "wrong", "l1.check_normalise(normalise)")
    told = "your function stopped with NameError in the line `secret = 1`: my secret"
    progress.record("L1", "L1-1", 1, "broken", told)
    time.sleep(0.3)
    assert there and "secret" not in json.dumps(there)
    assert {*there[0]} == {"kind", "step", "hint", "exercise", "outcome", "id"}


def test_hints_go_by_number_and_come_as_our_words():
    assert hint_number("anything else that somebody says") == ""
    assert hint_words("nonsense") == ""
    general = "On (secret) the answer is secret, and 3 is right. Compute it by hand for this input: where do you part?"
    words = hint_words(hint_number(general))
    assert "secret" not in words and words.endswith("where do you part?")


def test_while_the_board_is_away_results_wait(board, tmp_path):
    folder, port = board.roll.file.parent, board.server.port
    students.begin(tmp_path / "a", board.address)
    board.server.stop()
    students.answer("L1", "L1-1", "right", "l1.check_normalise(normalise)")
    time.sleep(0.3)
    assert len(classroom._waiting()) == 1
    assert "1 results wait" in classroom.status()
    again = Board(folder, host="127.0.0.1", port=port)
    try:
        assert students.sent()
        assert again.name == "7b" and again.students == board.students and again.server.token == board.server.token
        assert seen(again)["students"][0]["points"] == 1
    finally:
        again.server.stop()


def test_what_was_passed_before_joining_is_sent(board, tmp_path):
    progress.begin(tmp_path / "a")
    students.work(0, ["L1"], far=2)
    progress.begin(tmp_path / "a")  # another kernel
    classroom.join(board.address)
    assert students.sent()
    cells = seen(board)["students"][0]["cells"]
    assert {key: cell["passed"] for key, cell in cells.items()} == {"L1-1": True, "L1-2": True, "L1-3": False}


@pytest.mark.parametrize("trouble", ["disk", "word"])
def test_what_a_board_cannot_take_now_is_kept(board, tmp_path, monkeypatch, trouble):
    """A full disk of the teacher's, or another class at the address."""
    students.begin(tmp_path / "a", board.address)
    with monkeypatch.context() as patch:
        if trouble == "disk":
            patch.setattr(board.roll, "_keep", lambda event: tmp_path.read_bytes())  # an OSError
        else:
            patch.setattr(board.server, "opened", {"another": {}})
        for exercise in ("L1-1", "L1-2"):
            progress.record("L1", exercise, 1, "passed")
        time.sleep(0.4)
        assert len(classroom._waiting()) == 2
        assert ("answered with 500" if trouble == "disk" else "does not know the word") in classroom.status()
    assert students.sent()
    assert {*seen(board)["students"][0]["cells"]} == {"L1-1", "L1-2"}


@pytest.mark.parametrize("answer", [b"SSH-2.0-OpenSSH_9.6\r\n", b"", b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n[]"])
def test_what_is_no_board_is_told_as_such(answer):
    with socket.create_server(("127.0.0.1", 0)) as other:

        def talk():
            with other.accept()[0] as one:
                one.recv(10_000)
                one.sendall(answer)

        thread = threading.Thread(target=talk)
        thread.start()
        with pytest.raises(classroom.ClassroomError, match=r"^No board answers at 127\.0\.0\.1"):
            classroom.join(f"127.0.0.1:{other.getsockname()[1]}/abc")
        thread.join()
    assert classroom.me() is None


def test_what_waits_is_bounded(board, tmp_path, monkeypatch):
    monkeypatch.setattr(classroom, "WAITING", 5)
    monkeypatch.setattr(classroom, "_send", lambda here: None)
    students.begin(tmp_path / "a", board.address)
    for _ in range(9):
        progress.record("L1", "L1-1", 1, "wrong")
    assert len(classroom._waiting()) == 5


@pytest.mark.parametrize("address", ["", "nonsense", "127.0.0.1:1/abc", "127.0.0.1:{port}/wrong", "a b/ü"])
def test_a_class_that_cannot_be_joined_is_said_in_a_sentence(board, address):
    line = Line()
    line.address.value = address.format(port=board.server.port)
    line.enter.click()
    assert "✗ " in line.said.value and len(line.said.value) > 80 and line.enter in line.children
    assert not line.enter.disabled


def test_nothing_is_raised_into_a_cell(board, tmp_path, monkeypatch):
    students.begin(tmp_path / "a", board.address)
    monkeypatch.setattr(classroom, "write_json", lambda *_: 1 / 0)
    progress.record("L1", "L1-1", 1, "passed")


def test_students_and_teacher_have_different_doors(board):
    for path in ("/", "/state", "/change"):
        assert ask(board, path)[0] in (403, 404)
    assert ask(board, "/change", {"do": "remove", "student": 1})[0] == 404
    assert ask(board, "/pool", token="wrong")[0] == 403
    assert ask(board, "/state", token=board.server.token)[0] == 200
    assert "Class" in ask(board, f"/{board.students}")[1]["what to do"]


def test_one_cannot_speak_for_another(board):
    (_, ana), (_, ben) = (ask(board, "/join", {"name": "Ana"}) for _ in range(2))
    assert ana["student"] != ben["student"], "two of one name are two"
    passed = [{"id": "1", "exercise": "L1-1", "outcome": "passed"}]
    code, said = ask(board, "/send", {"student": ana["student"], "key": ben["key"], "sent": passed})
    assert code == 400 and "join again" in said["error"]


GOOD = {"id": "1", "exercise": "L1-1", "outcome": "passed"}
RUN = {"kind": "run", "id": "1", "variant": "full", "settings": "epochs=12", "seed": 0}
RUN |= dict.fromkeys(("ccc_valence", "ccc_arousal", "ccc_dominance", "ccc_mean"), 0.5)
HOSTILE = [
    None, 7, [], "x", {"student": True}, {"student": 1}, {"student": [1]},
    *({"sent": sent} for sent in (None, 7, {}, "x", [7], [[]], [{}], [GOOD] * 51)),
    *({"sent": [GOOD | change]} for change in (
        {"id": ""}, {"id": 7}, {"exercise": "L9-1"}, {"exercise": None}, {"exercise": ["L1-1"]}, {"exercise": "L4-4"},
        {"outcome": "won"}, {"outcome": ["passed"]}, {"step": 1e9}, {"step": True}, {"step": -1},
    )),
    *({"sent": [RUN | change]} for change in (
        {"variant": "<b>"}, {"variant": 7}, {"seed": -1}, {"seed": 0.5}, {"seed": 10**9}, {"settings": ""},
        {"ccc_mean": float("nan")}, {"ccc_mean": float("inf")}, {"ccc_mean": "1"}, {"ccc_mean": None}, {"ccc_mean": 2},
        {"ccc_mean": 10**400}, {"ccc_mean": True},
    )),
]  # fmt: skip


@pytest.mark.parametrize("sent", HOSTILE, ids=lambda sent: str(sent)[:60])
def test_hostile_input_is_refused_with_a_sentence_and_changes_nothing(board, sent):
    here = ask(board, "/join", {})[1]
    before = seen(board)
    if isinstance(sent, dict) and "sent" in sent:
        sent = sent | {"student": here["student"], "key": here["key"]}
    code, said = ask(board, "/send", sent if sent is not None else b"{")
    assert code == 400 and said["error"].endswith(".")
    after = seen(board)
    assert before["students"] == after["students"] and before["pool"] == after["pool"]


def test_names_are_cut_to_one_plain_line(board):
    for name in ("A" * 100_000, "a\nb\x00\u202e", {"x": 1}, None, "\ud800"):
        assert ask(board, "/join", {"name": name})[0] == 200
    names = [student["name"] for student in seen(board)["students"]]
    assert names == ["A" * 23 + "…", "a b", "", "", ""]


def test_a_flood_finds_an_end(tmp_path, monkeypatch):
    roll = Roll(tmp_path)
    for _ in range(STUDENTS):
        here = roll.join({})
    with pytest.raises(ClassError, match="full"):
        roll.join({})
    monkeypatch.setattr("emosphere_lab.roll.EVENTS", 20)
    with pytest.raises(ClassError, match="more than a class takes"):
        for number in range(30):
            roll.take(here | {"sent": [GOOD | {"id": str(number)}]})
    roll.change({"do": "remove", "student": 1})
    assert roll.join({})["student"] == STUDENTS + 1, "a number is nobody else's"


def test_a_class_survives_a_restart_and_half_a_line(tmp_path):
    roll = Roll(tmp_path)
    ana, ben = roll.join({"name": "Ana"}), roll.join({"name": "Ben"})
    roll.take(ana | {"sent": [GOOD, RUN | {"id": "2"}]})
    wrong = GOOD | {"id": "3", "exercise": "L1-2", "outcome": "wrong"}
    for _ in range(2):  # the answer was lost on its way
        roll.take(ana | {"sent": [wrong]})
    assert roll.state()["students"][0]["cells"]["L1-2"]["tries"] == 1
    roll.change({"do": "rename", "student": 2, "name": "Bea"})
    with roll.file.open("a") as file:
        file.write('{"kind": "record", "stud')
    again = Roll(tmp_path)
    assert again.state()["students"] == roll.state()["students"] and again.runs == roll.runs
    again.take(ben | {"sent": [GOOD]})
    third = Roll(tmp_path).state()["students"]
    assert [student["name"] for student in third] == ["Ana", "Bea"]
    assert [student["points"] for student in third] == [1, 1]


@pytest.mark.parametrize("spoilt", ["folder", "events.jsonl", "board.json"])
def test_a_class_that_cannot_be_kept_is_told_in_a_sentence(tmp_path, spoilt):
    if spoilt == "folder":
        (tmp_path / "class").write_text("")
    else:
        (tmp_path / "class" / spoilt).mkdir(parents=True)
    with pytest.raises(ClassError, match="The class cannot be kept in"):
        serve(tmp_path / "class", browser=False)


def test_lines_that_are_nobody_s_are_left_out(tmp_path):
    roll = Roll(tmp_path)
    ana = roll.join({"name": "Ana"})
    roll.take(ana | {"sent": [GOOD, RUN | {"id": "2"}]})
    kept, score = roll.file.read_text(), '"ccc_mean": 0.5'
    lines = [
        kept.replace('"key": "L1-1"', '"key": "L9-9"'),
        kept.replace(score, '"ccc_mean": NaN'),
        kept.replace(score, '"x": 0'),
    ]
    roll.file.write_text("".join([*lines, kept.replace('"student": 1', '"student": Infinity')]))
    with roll.file.open("ab") as file:
        file.write(b"\xff\xfe\n[1]\n" + b"[" * 100_000 + b"\n")
    again = Roll(tmp_path)
    json.dumps([again.state(), pooled(again.runs)], allow_nan=False)
    assert again.join({})["student"] == 2


def test_a_class_that_does_not_know_one_is_left(board, tmp_path):
    students.begin(tmp_path / "a", board.address)
    board.roll.change({"do": "remove", "student": 1})
    progress.record("L1", "L1-1", 1, "passed")
    ends = time.monotonic() + 5
    while classroom.me() and time.monotonic() < ends:
        time.sleep(0.05)
    assert classroom.me() is None
    assert "join again" in Line().said.value


def test_seeds_in_a_class_are_nobody_else_s(board, tmp_path):
    assert classroom.seeds(3) == (0, 1, 2)
    found = []
    for name in "abc":
        students.begin(tmp_path / name, board.address)
        found += classroom.seeds(3)
    assert found == [*range(9)]


def test_the_row_joins_and_leaves(board, tmp_path):
    line = Line()
    assert "No code, no answers" in line.said.value
    line.address.value, line.name.value = f" http://{board.address.upper()}/ ".replace("HTTP", "http"), "Ana"
    line.enter.click()
    assert "You are student 1, Ana, in 7b." in line.said.value
    assert line.exit in line.children and line.enter not in line.children
    assert Line().said.value == line.said.value, "the next lab is in the class by itself"
    line.exit.click()
    assert line.enter in line.children and classroom.me() is None


def test_clean_keeps_what_is_harmless():
    assert clean("Zoë 王 🙂", 24) == "Zoë 王 🙂"
