"""One step on one fixed batch, in as many processes and pieces as asked for; its loss and gradients as a file.

    torchrun --nproc-per-node 2 gradients.py out.safetensors 1.5

The second argument is the largest piece in seconds; 0 means that the batch goes through at once. The fourth says how
many utterances the batch has.
"""

import sys

import torch
from safetensors.torch import save_file

from emosphere import data
from emosphere.losses import IGNORED, auxiliary_loss, ccc_loss
from emosphere.model import EmoSphereConfig, EmoSphereModel
from emosphere.training.gradient import backward

SMALL = dict(
    hidden_size=32,
    num_hidden_layers=2,
    num_attention_heads=4,
    intermediate_size=32,
    conv_dim=[8, 16, 32],
    conv_kernel=[32, 16, 8],
    conv_stride=[16, 8, 4],
    num_feat_extract_layers=3,
    feat_extract_norm="layer",
    num_conv_pos_embeddings=16,
    num_conv_pos_embedding_groups=4,
    hidden_dropout=0.0,
    attention_dropout=0.0,
    activation_dropout=0.0,
    feat_proj_dropout=0.0,
    apply_spec_augment=False,
    layerdrop=0.0,
)
COUNT, CLASSES = 7, 5


def make_model(dropout=0.0):
    """A small model; without dropout the pooling's is switched off too."""
    torch.manual_seed(0)
    config = EmoSphereConfig(
        encoder_config={"model_type": "wavlm", **SMALL},
        style_width=16,
        head_width=16,
        head_dropout=dropout,
        classes=CLASSES,
    )
    model = EmoSphereModel(config)
    if not dropout:
        for module in model.modules():
            if isinstance(module, torch.nn.Dropout):
                module.p = 0.0
    return model.train()


def make_batch():
    """Seven utterances of like length, their targets, and classes of which one does not count."""
    generator = torch.Generator().manual_seed(1)
    lengths = [6000, 6500, 7000, 8000, 9000, 9500, 12000]
    waveforms = [0.1 * torch.randn(length, generator=generator) for length in lengths]
    truth = torch.rand(COUNT, 3, generator=generator)
    return list(enumerate(waveforms)), truth, torch.tensor([0, 1, 1, 4, IGNORED, 3, 0])


WEIGHTS = torch.tensor([0.5, 2.0, 1.0, 3.0, 0.25])


def total_loss(truth, classes, weight=0.7):
    """What is minimised, as a function of predictions and logits."""

    def loss(vad, logits):
        here = vad.device
        regression = ccc_loss(truth.to(here), vad)
        if logits is None:
            return (regression,)
        return regression + weight * auxiliary_loss(logits, classes.to(here), WEIGHTS.to(here)), regression

    return loss


def step(model, accelerator, seconds=None, auxiliary=True, count=COUNT):
    """The gradients by name, and the loss, of this process's share of the batch."""
    utterances, truth, classes = (part[:count] for part in make_batch())
    share = data.collate(utterances[accelerator.process_index :: accelerator.num_processes] or utterances[:1])
    prepared = accelerator.prepare(model)
    loss, *_ = backward(
        prepared, share, count, total_loss(truth, classes), accelerator, auxiliary=auxiliary, seconds=seconds
    )
    found = {name: parameter.grad for name, parameter in model.named_parameters() if parameter.grad is not None}
    return {"loss": loss[None], **found}


if __name__ == "__main__":
    from emosphere.config import Config
    from emosphere.training.process import begin

    accelerator = begin(Config.create("tiny"))
    found = step(make_model(), accelerator, float(sys.argv[2]) or None, sys.argv[3] == "auxiliary", int(sys.argv[4]))
    group = torch.distributed.distributed_c10d._get_default_group()._get_backend(accelerator.device)
    found["patience"] = torch.tensor(group.options._timeout.total_seconds())
    save_file(found, f"{sys.argv[1]}.{accelerator.process_index}")
