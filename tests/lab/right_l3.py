"""Ways to write the right answers of lab 3, all of which are to be accepted."""


def mean(*lines):
    return "\n    ".join(["def masked_mean(frames, mask):", *lines])


MASKED_MEAN = [
    mean("return (frames * mask[..., None]).sum(dim=1) / mask.sum(dim=1, keepdim=True)"),
    mean("return (frames * mask.unsqueeze(-1)).sum(1) / mask.sum(1)[:, None]"),
    mean("return (frames * mask[:, :, None].float()).sum(1) / mask.float().sum(1, keepdim=True)"),
    mean("return frames.masked_fill(~mask[..., None], 0).sum(1) / mask.sum(1, keepdim=True)"),
    mean("return torch.where(mask[..., None], frames, 0.0).sum(1) / mask.sum(1, keepdim=True)"),
    mean("return torch.where(mask[..., None], frames, torch.nan).nanmean(1)"),
    mean("return (frames * mask[..., None]).mean(1) * mask.shape[1] / mask.sum(1, keepdim=True)"),
    mean("return (frames * mask[..., None]).mean(1) / mask.float().mean(1, keepdim=True)"),
    mean("w = mask / mask.sum(1, keepdim=True)", "return (w[..., None] * frames).sum(1)"),
    mean("w = mask / mask.sum(1, keepdim=True)", "return (w[:, None] @ frames)[:, 0]"),
    mean("w = mask / mask.sum(1, keepdim=True)", "return torch.einsum('bf,bfw->bw', w, frames)"),
    mean("w = mask / mask.sum(1, keepdim=True)", "return torch.bmm(frames.transpose(1, 2), w[..., None]).squeeze(-1)"),
    mean(
        "w = torch.zeros(mask.shape).masked_fill(~mask, -torch.inf).softmax(-1)",
        "return (w[..., None] * frames).sum(1)",
    ),
    mean("return torch.stack([one[inside].mean(0) for one, inside in zip(frames, mask)])"),
    mean("return torch.stack([one[:n].mean(0) for one, n in zip(frames, mask.sum(1))])"),
    mean("x = frames.clone()", "x[~mask] = 0", "return x.sum(1) / mask.sum(1, keepdim=True)"),
    mean("x = frames - frames * ~mask[..., None]", "return x.sum(1) / mask.count_nonzero(1)[:, None]"),
    mean("x = frames.double() * mask[..., None]", "return x.sum(1) / mask.sum(1, keepdim=True)"),
    mean("x = (frames * mask[..., None]).transpose(1, 2)", "return x.sum(-1) / mask.sum(-1, keepdim=True)"),
    mean("x = frames.numpy() * mask.numpy()[..., None]", "return x.sum(1) / mask.numpy().sum(1, keepdims=True)"),
    mean(
        "rows = []",
        "for b in range(len(frames)):",
        "    total, n = 0, 0",
        "    for f in range(frames.shape[1]):",
        "        if mask[b, f]:",
        "            total, n = total + frames[b, f], n + 1",
        "    rows.append(total / n)",
        "return torch.stack(rows)",
    ),
    mean("x = (frames * mask[..., None]).cumsum(1)[:, -1]", "return x / mask.cumsum(1)[:, -1:]"),
]


def gated(*lines):
    return "\n    ".join(["def gated_convolution(frames, mask, convolution):", *lines])


CONVOLVED = "x = convolution((frames * mask[..., None]).transpose(1, 2))"
GATED = [
    gated(CONVOLVED, "return frames + glu(x, dim=1).transpose(1, 2)"),
    gated(CONVOLVED, "return glu(x, 1).transpose(1, 2) + frames"),
    gated(CONVOLVED, "return (frames + glu(x, dim=1).transpose(1, 2)) * mask[..., None]"),
    gated(CONVOLVED, "return frames * mask[..., None] + glu(x, dim=1).transpose(1, 2)"),
    gated(CONVOLVED, "return frames + (glu(x, dim=1) * mask[:, None]).transpose(1, 2)"),
    gated(CONVOLVED, "return frames + glu(x.transpose(1, 2), dim=-1)"),
    gated(CONVOLVED, "return frames + glu(x.transpose(1, 2))"),
    gated(CONVOLVED, "return frames + torch.nn.GLU(dim=1)(x).mT"),
    gated(CONVOLVED, "a, b = x.chunk(2, dim=1)", "return frames + (a * b.sigmoid()).transpose(1, 2)"),
    gated(CONVOLVED, "w = frames.shape[-1]", "return frames + (x[:, :w] * torch.sigmoid(x[:, w:])).transpose(1, 2)"),
    gated(CONVOLVED, "a, b = x.split(frames.shape[2], 1)", "return frames + (a / (1 + (-b).exp())).permute(0, 2, 1)"),
    gated(
        CONVOLVED, "a, b = x.tensor_split(2, 1)", "return frames + (a * (0.5 + 0.5 * (b / 2).tanh())).swapaxes(1, 2)"
    ),
    gated(
        "x = frames.masked_fill(~mask[..., None], 0).transpose(1, 2)",
        "return frames + glu(convolution(x), dim=1).transpose(1, 2)",
    ),
    gated(
        "x = torch.where(mask.unsqueeze(-1), frames, 0).transpose(2, 1)",
        "return frames + glu(convolution(x), dim=1).transpose(2, 1)",
    ),
    gated(
        "x = frames.transpose(1, 2) * mask[:, None, :]", "return frames + glu(convolution(x), dim=1).transpose(1, 2)"
    ),
    gated("x = frames.permute(0, 2, 1) * mask.unsqueeze(1)", "return (glu(convolution(x), dim=1) + frames.mT).mT"),
    gated("x = frames.clone()", "x[~mask] = 0", "return x + glu(convolution(x.mT), dim=1).mT"),
    gated(
        "x = torch.einsum('bfw,bf->bwf', frames, mask.float())",
        "return frames + torch.einsum('bwf->bfw', glu(convolution(x), dim=1))",
    ),
    gated(
        "rows = []",
        "for one, inside in zip(frames, mask):",
        "    x = (one * inside[:, None]).T[None]",
        "    rows.append(one + glu(convolution(x), dim=1)[0].T)",
        "return torch.stack(rows)",
    ),
    gated(
        "found = torch.zeros_like(frames)",
        "for b, n in enumerate(mask.sum(1)):",
        "    one = frames[b : b + 1, :n]",
        "    found[b, :n] = (one + glu(convolution(one.mT), dim=1).mT)[0]",
        "return found",
    ),
    gated(CONVOLVED, "return (frames + glu(x, dim=1).transpose(1, 2)).detach().numpy()"),
    gated(CONVOLVED, "return (frames + glu(x, dim=1).transpose(1, 2)).double()"),
]


def attending(*lines):
    return "\n    ".join(["def attention(query, key, mask):", *lines])


SCORES, WIDTH = "s = query @ key.transpose(1, 2) / query.shape[-1] ** 0.5", "query.shape[-1]"
MASKED = "s = s.masked_fill(~mask[:, None, :], -torch.inf)"
ATTENTION = [
    attending(SCORES, MASKED, "return s.softmax(dim=-1)"),
    attending(SCORES, MASKED, "return torch.softmax(s, 2)"),
    attending(SCORES, MASKED, "return torch.nn.functional.softmax(s, dim=-1)"),
    attending(SCORES, MASKED, "return s.log_softmax(-1).exp()"),
    attending(SCORES, MASKED, "s = s.exp()", "return s / s.sum(-1, keepdim=True)"),
    attending(SCORES, MASKED, "s = (s - s.amax(-1, keepdim=True)).exp()", "return s / s.sum(dim=-1, keepdim=True)"),
    attending(SCORES, MASKED, "return (s - s.logsumexp(-1, keepdim=True)).exp()"),
    attending(SCORES, "s = s.exp() * mask[:, None]", "return s / s.sum(-1, keepdim=True)"),
    attending(SCORES, "a = s.softmax(-1) * mask[:, None]", "return a / a.sum(-1, keepdim=True)"),
    attending(SCORES, "return s.masked_fill(~mask[:, None, :], -1e9).softmax(-1)"),
    attending(SCORES, "return s.masked_fill(~mask[:, None, :], torch.finfo(s.dtype).min).softmax(-1)"),
    attending(SCORES, "return torch.where(mask[:, None], s, float('-inf')).softmax(-1)"),
    attending(SCORES, "return (s - 1e9 * (~mask[:, None]).float()).softmax(-1)"),
    attending(SCORES, "return (s + torch.zeros(mask.shape).masked_fill(~mask, -torch.inf)[:, None]).softmax(-1)"),
    attending("s = torch.bmm(query, key.mT) / torch.tensor(query.shape[-1]).sqrt()", MASKED, "return s.softmax(-1)"),
    attending("s = torch.einsum('biw,bjw->bij', query, key) * query.shape[-1] ** -0.5", MASKED, "return s.softmax(-1)"),
    attending(
        "s = (query[:, :, None] * key[:, None]).sum(-1) / query.shape[-1] ** 0.5", MASKED, "return s.softmax(-1)"
    ),
    attending(f"scale = {WIDTH} ** 0.25", "s = (query / scale) @ (key / scale).mT", MASKED, "return s.softmax(-1)"),
    attending("s = (key @ query.mT).mT / query.shape[-1] ** 0.5", MASKED, "return s.softmax(-1)"),
    attending(
        "s = key @ query.mT / query.shape[-1] ** 0.5",
        "s = s.masked_fill(~mask[..., None], -torch.inf)",
        "return s.softmax(1).mT",
    ),
    attending("query, key = query.double(), key.double()", SCORES, MASKED, "return s.softmax(-1)"),
    attending(
        "one = torch.eye(query.shape[1]).expand(len(query), -1, -1)",
        "return torch.nn.functional.scaled_dot_product_attention(query, key, one, mask[:, None])",
    ),
    attending(
        "found = torch.zeros(len(query), query.shape[1], query.shape[1])",
        "for b, n in enumerate(mask.sum(1)):",
        f"    found[b, :, :n] = (query[b] @ key[b, :n].T / {WIDTH} ** 0.5).softmax(-1)",
        "return found",
    ),
]


def drifting(*lines):
    return "\n    ".join(["def drift(pool, frames, rubbish):", *lines])


MASKS = (
    "inside = torch.ones(frames.shape[:2], dtype=torch.bool)\n"
    "    outside = torch.zeros(rubbish.shape[:2], dtype=torch.bool)"
)
POOLED = (
    "alone = pool(frames, inside)\n"
    "    padded = pool(torch.cat([frames, rubbish], dim=1), torch.cat([inside, outside], dim=1))"
)
DRIFT = [
    *(
        drifting(MASKS, POOLED, f"return {line}")
        for line in (
            "(alone - padded).abs().max()",
            "(padded - alone).abs().max().item()",
            "torch.max(torch.abs(alone - padded))",
            "abs(alone - padded).amax()",
            "(alone - padded).abs().flatten().sort().values[-1]",
            "max((alone - padded).max(), (padded - alone).max())",
            "((alone - padded) ** 2).max() ** 0.5",
            "torch.linalg.vector_norm(alone - padded, float('inf'))",
            "torch.dist(alone, padded, p=float('inf'))",
            "np.abs(alone.numpy() - padded.numpy()).max() if (np := __import__('numpy')) else 0",
            "max(abs(a - b) for a, b in zip(alone.flatten().tolist(), padded.flatten().tolist()))",
            "torch.maximum(alone - padded, padded - alone).max(dim=1).values.max()",
            "torch.nn.functional.l1_loss(alone, padded, reduction='none').max()",
        )
    ),
    drifting(
        "n = frames.shape[1]",
        "both = torch.cat([frames, rubbish], dim=1)",
        "mask = torch.arange(both.shape[1]).expand(len(frames), -1) < n",
        "return (pool(both, mask) - pool(frames, mask[:, :n])).abs().max()",
    ),
    drifting(
        "n = frames.shape[1]",
        "both = torch.hstack([frames, rubbish])",
        "mask = torch.zeros(both.shape[:2]).bool()",
        "mask[:, :n] = True",
        "return (pool(both, mask) - pool(both[:, :n], mask[:, :n])).abs().max()",
    ),
    drifting(
        "inside = torch.full(frames.shape[:2], True)",
        "mask = torch.nn.functional.pad(inside, (0, rubbish.shape[1]))",
        "return (pool(torch.cat((frames, rubbish), 1), mask) - pool(frames, inside)).abs().max()",
    ),
    drifting(
        "inside = torch.ones_like(frames[..., 0]) > 0",
        "outside = torch.ones_like(rubbish[..., 0]) < 0",
        POOLED,
        "return (alone - padded).abs().max()",
    ),
    drifting(
        "far = []",
        "for f, r in zip(frames, rubbish):",
        "    f, r = f[None], r[None]",
        "    a = pool(f, torch.ones(1, f.shape[1], dtype=torch.bool))",
        "    mask = torch.tensor([[True] * f.shape[1] + [False] * r.shape[1]])",
        "    far.append((pool(torch.cat([f, r], 1), mask) - a).abs().max())",
        "return max(far)",
    ),
    drifting(
        MASKS,
        "with torch.no_grad():",
        "    " + POOLED.replace("\n", "\n    "),
        "return float((alone - padded).abs().max())",
    ),
    drifting(MASKS, POOLED, "return (alone.double() - padded.double()).abs().max()"),
]


def inspecting(*lines):
    return "\n    ".join(["def leaks(pool, frames):", *lines])


SIZES = "batch, length, width = frames.shape"
LEAKS = [
    *(
        inspecting(SIZES, f"return {line}")
        for line in (
            "bool(drift(pool, frames, torch.randn(batch, 20, width)) > 1e-5)",
            "drift(pool, frames, torch.randn(batch, 20, width)) > 1e-5",
            "drift(pool, frames, torch.randn(batch, 20, width)) >= 1e-4",
            "drift(pool, frames, torch.randn(batch, 20, width)) > 3e-6",
            "drift(pool, frames, torch.randn(batch, 20, width)) > 1e-3",
            "not drift(pool, frames, torch.randn(batch, 20, width)) < 1e-5",
            "int(drift(pool, frames, torch.randn(batch, 20, width)) > 1e-5)",
            "float(drift(pool, frames, torch.randn(batch, 20, width)) > 1e-5)",
            "drift(pool, frames, torch.randn(batch, 1, width)) > 1e-5",
            "drift(pool, frames, torch.randn(batch, 500, width)) > 1e-5",
            "drift(pool, frames, 10 * torch.randn(batch, 20, width)) > 1e-5",
            "drift(pool, frames, 1000 * torch.randn(batch, 20, width)) > 1e-5",
            "drift(pool, frames, torch.rand(batch, 20, width)) > 1e-5",
            "drift(pool, frames, torch.randn_like(frames)) > 1e-5",
            "drift(pool, frames, torch.normal(3.0, 1.0, (batch, 7, width))) > 1e-5",
            "any(drift(pool, frames, torch.randn(batch, n, width)) > 1e-5 for n in (1, 5, 50))",
            "max(drift(pool, frames, torch.randn(batch, 20, width)) for _ in range(5)) > 1e-5",
            "round(float(drift(pool, frames, torch.randn(batch, 20, width))), 4) != 0",
            "drift(pool, frames, torch.randint(-5, 6, (batch, 20, width)).float()) > 1e-5",
            "drift(pool, frames, torch.randn(batch, 20, width)).gt(1e-5).numpy()",
        )
    ),
    inspecting(
        "rubbish = torch.randn(len(frames), 20, frames.shape[-1])",
        "if drift(pool, frames, rubbish) > 1e-5:",
        "    return True",
        "else:",
        "    return False",
    ),
]

RIGHT = {"L3-1": MASKED_MEAN, "L3-2": GATED, "L3-3": ATTENTION, "L3-4": DRIFT, "L3-5": LEAKS}
