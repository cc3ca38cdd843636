"""The gradient of the whole batch, whatever the pieces: the oracle is one forward pass with everything in it."""

import subprocess
import sys
from pathlib import Path

import pytest
import torch
from accelerate import Accelerator
from gradients import COUNT, make_batch, make_model, step, total_loss
from safetensors.torch import load_file

from emosphere import data
from emosphere.data.batches import divided


def at_once(model, auxiliary=True, count=COUNT):
    """The plain way: forward, loss, backward."""
    utterances, truth, classes = (part[:count] for part in make_batch())
    batch = data.collate(utterances)
    output = model(batch["input_values"], batch["attention_mask"])
    loss, *_ = total_loss(truth, classes)(output.vad, output.logits if auxiliary else None)
    loss.backward()
    found = {name: parameter.grad for name, parameter in model.named_parameters() if parameter.grad is not None}
    return {"loss": loss.detach()[None], **found}


def assert_same(found, expected):
    assert found.keys() == expected.keys(), "a parameter without a gradient is not one with a gradient of 0"
    for name in expected:
        torch.testing.assert_close(found[name], expected[name], atol=1e-5, rtol=1e-5, msg=lambda text, n=name: n + text)


@pytest.mark.parametrize("auxiliary", [True, False])
@pytest.mark.parametrize(("seconds", "pieces"), [(None, 1), (2.0, 3), (0.5, 7)])
def test_pieces_give_the_gradient_of_the_whole(seconds, pieces, auxiliary):
    assert len(divided(data.collate(make_batch()[0]), seconds)) == pieces
    assert_same(step(make_model(), Accelerator(), seconds, auxiliary), at_once(make_model(), auxiliary))


def test_the_usual_accumulation_is_another_loss():
    """Or the test above would show nothing."""
    utterances, truth, classes = make_batch()
    loss = total_loss(truth, classes)
    model = make_model()
    batch = data.collate(utterances)
    with torch.no_grad():
        output = model(batch["input_values"], batch["attention_mask"])
    whole = loss(output.vad, output.logits)[0]
    parts = [
        total_loss(truth[rows], classes[rows])(output.vad[rows], output.logits[rows])[0]
        for rows in (slice(0, 3), slice(3, 7))
    ]
    assert abs(sum(parts) / 2 - whole) > 0.005


@pytest.mark.parametrize("auxiliary", [True, False])
def test_dropout_is_the_same_both_times(auxiliary):
    """The oracle keeps the graphs of all pieces, so each goes forward only once."""
    utterances, truth, classes = make_batch()
    model = make_model(dropout=0.4)
    torch.manual_seed(5)
    outputs = [
        model(piece["input_values"], piece["attention_mask"], auxiliary=auxiliary)
        for piece in divided(data.collate(utterances), 2.0)
    ]
    logits = torch.cat([output.logits for output in outputs]) if auxiliary else None
    total_loss(truth, classes)(torch.cat([output.vad for output in outputs]), logits)[0].backward()
    expected = {name: parameter.grad for name, parameter in model.named_parameters() if parameter.grad is not None}
    after = torch.rand(1)
    again = make_model(dropout=0.4)
    torch.manual_seed(5)
    found = step(again, Accelerator(), 2.0, auxiliary)
    del found["loss"]
    assert_same(found, expected)
    assert torch.equal(torch.rand(1), after), "the generator is where one pass leaves it"


@pytest.mark.posix
@pytest.mark.parametrize(
    ("processes", "count", "seconds", "auxiliary"),
    [
        pytest.param(2, COUNT, "0", "none", marks=pytest.mark.slow),
        (2, COUNT, "1.0", "auxiliary"),
        pytest.param(3, 2, "0.4", "auxiliary", marks=pytest.mark.slow),
    ],
    ids=["four and three", "in pieces", "one has none"],
)
def test_several_processes_give_the_gradient_of_the_whole(tmp_path, processes, count, seconds, auxiliary):
    """torchrun, gloo; in pieces, in which case one has more of them than the other; and more processes than work."""
    script = Path(__file__).parent / "gradients.py"
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone", f"--nproc-per-node={processes}"]
    subprocess.run([*command, str(script), str(tmp_path / "found"), seconds, auxiliary, str(count)], check=True)
    expected = at_once(make_model(), auxiliary == "auxiliary", count)
    for process in range(processes):
        found = load_file(f"{tmp_path}/found.{process}")
        assert found.pop("patience") == 2 * 24 * 3600, "the others wait while one decodes a corpus"
        assert_same(found, expected)
    assert COUNT % 2, "or all shares would be alike"
