"""What students write in lab 3 before they are right, and a piece of the hint that should come."""

WRONG = {
    "L3-1": [
        (
            """
def masked_mean(frames, mask):
    return frames.mean(dim=1)
""",
            "as if somebody had spoken there",
        ),
        (
            """
def masked_mean(frames, mask):
    frames = frames * mask[..., None]
    return frames.mean(dim=1)
""",
            "the number of all frames",
        ),
        (
            """
def masked_mean(frames, mask):
    return torch.sum(frames * mask.unsqueeze(-1), 1) / frames.shape[1]
""",
            "the number of all frames",
        ),
        (
            """
def masked_mean(frames, mask):
    return frames.sum(dim=1) / mask.sum(dim=1, keepdim=True)
""",
            "the sum still holds the padding",
        ),
        (
            """
def masked_mean(frames, mask):
    inside = frames * mask[..., None]
    return inside.sum(dim=1) / mask.sum()
""",
            "Each utterance has its own number",
        ),
        (
            """
def masked_mean(frames, mask):
    inside = frames * mask[..., None]
    return inside.sum(dim=1) / mask.sum(dim=1)
""",
            "`keepdim=True` keeps one",
        ),
        (
            """
def masked_mean(frames, mask):
    inside = frames * mask
    return inside.sum(dim=1) / mask.sum(dim=1, keepdim=True)
""",
            "`[..., None]` adds an axis",
        ),
        (
            """
def masked_mean(frames, mask):
    return frames[mask].mean(dim=0)
""",
            "into one heap",
        ),
        (
            """
def masked_mean(frames, mask):
    return (frames * mask[..., None]).sum(dim=1)
""",
            "Divide it by how many",
        ),
        (
            """
def masked_mean(frames, mask):
    inside = frames * mask[..., None]
    return inside.sum(dim=1, keepdim=True) / mask.sum(dim=1)[:, None, None]
""",
            "the shape (1, 1, 2)",
        ),
        (
            """
def masked_mean(frames, mask):
    frames[~mask] = 0
    return frames.sum(dim=1) / mask.sum(dim=1, keepdim=True)
""",
            "changes what it was given",
        ),
        (
            """
def masked_mean(frames, mask):
    inside = frames * mask[..., None]
    return inside.sum(dim=1) / (inside != 0).sum(dim=1)
""",
            "a frame of zeros may be real",
        ),
        (
            """
def masked_mean(frames, mask):
    vectors = []
    for one, inside in zip(frames, mask):
        vectors.append(one[inside].median(dim=0).values)
    return torch.stack(vectors)
""",
            "the median over the frames inside",
        ),
        (
            """
def masked_mean(frames, mask):
    inside = frames * mask[..., None]
    return inside.sum(dim=1) / (mask.sum(dim=1, keepdim=True) + 1)
""",
            "Compute it by hand",
        ),
    ],
    "L3-2": [
        (
            """
def gated_convolution(frames, mask, convolution):
    x = convolution(frames.transpose(1, 2))
    return frames + glu(x, dim=1).transpose(1, 2)
""",
            "looks two frames ahead",
        ),
        (
            """
def gated_convolution(frames, mask, convolution):
    x = convolution(frames.transpose(1, 2))
    x = glu(x, dim=1).transpose(1, 2)
    return (frames + x) * mask[..., None]
""",
            "comes too late",
        ),
        (
            """
def gated_convolution(frames, mask, convolution):
    x = frames * mask[..., None]
    x = convolution(x.transpose(1, 2))
    return glu(x, dim=1).transpose(1, 2)
""",
            "the frames themselves are added",
        ),
        (
            """
def gated_convolution(frames, mask, convolution):
    x = convolution(frames.transpose(1, 2))
    return glu(x, dim=1).transpose(1, 2) * mask[..., None]
""",
            "two things are missing",
        ),
        (
            """
def gated_convolution(frames, mask, convolution):
    x = frames * mask[..., None]
    x = glu(convolution(x), dim=1)
    return frames + x
""",
            "your frames are (batch, frames, width)",
        ),
        (
            """
def gated_convolution(frames, mask, convolution):
    x = (frames * mask[..., None]).transpose(1, 2)
    x = glu(convolution(x), dim=1)
    return frames + x
""",
            "compared from the last axis",
        ),
        (
            """
def gated_convolution(frames, mask, convolution):
    x = (frames * mask[..., None]).transpose(1, 2)
    x = convolution(x).transpose(1, 2)
    return frames + glu(x, dim=1)
""",
            "compared from the last axis",
        ),
        (
            """
def gated_convolution(frames, mask, convolution):
    batch, length, width = frames.shape
    x = (frames * mask[..., None]).reshape(batch, width, length)
    x = glu(convolution(x), dim=1)
    return frames + x.reshape(batch, length, width)
""",
            "`transpose(1, 2)` swaps axes",
        ),
        (
            """
def gated_convolution(frames, mask, convolution):
    x = (frames * mask[..., None]).transpose(1, 2)
    a, b = convolution(x).chunk(2, dim=1)
    return frames + (torch.sigmoid(a) * b).transpose(1, 2)
""",
            "changed places",
        ),
        (
            """
def gated_convolution(frames, mask, convolution):
    x = (frames * mask[..., None]).transpose(1, 2)
    a, b = convolution(x).chunk(2, dim=1)
    return frames + (torch.tanh(a) * torch.sigmoid(b)).transpose(1, 2)
""",
            "WaveNet",
        ),
        (
            """
def gated_convolution(frames, mask, convolution):
    x = (frames * ~mask[..., None]).transpose(1, 2)
    return frames + glu(convolution(x), dim=1).transpose(1, 2)
""",
            "The mask is True inside",
        ),
    ],
    "L3-3": [
        (
            """
def attention(query, key, mask):
    scores = query @ key.transpose(1, 2) / query.shape[-1] ** 0.5
    return scores.softmax(dim=-1)
""",
            "padding gets attention",
        ),
        (
            """
def attention(query, key, mask):
    scores = query @ key.transpose(1, 2) / query.shape[-1] ** 0.5
    return scores.softmax(dim=-1) * mask[:, None, :]
""",
            "before softmax",
        ),
        (
            """
def attention(query, key, mask):
    scores = query @ key.transpose(1, 2) / query.shape[-1] ** 0.5
    return scores.masked_fill(~mask[:, None, :], 0).softmax(dim=-1)
""",
            "exp(0) = 1",
        ),
        (
            """
def attention(query, key, mask):
    scores = query @ key.transpose(1, 2) / query.shape[-1] ** 0.5
    return scores.masked_fill(~mask[:, None, :], -30).softmax(dim=-1)
""",
            "Nothing is below",
        ),
        (
            """
def attention(query, key, mask):
    scores = query @ key.transpose(1, 2) / query.shape[-1] ** 0.5
    return scores.masked_fill(mask[:, None, :], -torch.inf).softmax(dim=-1)
""",
            "`~mask` turns",
        ),
        (
            """
def attention(query, key, mask):
    scores = query @ key.transpose(1, 2) / query.shape[-1] ** 0.5
    return scores.masked_fill(~mask[:, :, None], -torch.inf).softmax(dim=-1)
""",
            "Mask columns",
        ),
        (
            """
def attention(query, key, mask):
    scores = query @ key.transpose(1, 2) / query.shape[-1] ** 0.5
    return scores.masked_fill(~mask[:, :, None], -1e9).softmax(dim=-1)
""",
            "Mask columns",
        ),
        (
            """
def attention(query, key, mask):
    scores = query @ key.transpose(1, 2) / query.shape[-1] ** 0.5
    both = mask[:, :, None] & mask[:, None, :]
    return scores.masked_fill(~both, float("-inf")).softmax(dim=-1)
""",
            "you masked rows as well",
        ),
        (
            """
def attention(query, key, mask):
    scores = query @ key.transpose(1, 2)
    return scores.masked_fill(~mask[:, None, :], -torch.inf).softmax(dim=-1)
""",
            "the scaling is missing",
        ),
        (
            """
def attention(query, key, mask):
    scores = query @ key.transpose(1, 2) / query.shape[1] ** 0.5
    return scores.masked_fill(~mask[:, None, :], -torch.inf).softmax(dim=-1)
""",
            "Meant is the width",
        ),
        (
            """
def attention(query, key, mask):
    scores = query @ key.transpose(1, 2) / query.shape[2]
    return scores.masked_fill(~mask[:, None, :], -torch.inf).softmax(dim=-1)
""",
            "Its square root",
        ),
        (
            """
def attention(query, key, mask):
    scores = query @ key.transpose(1, 2) / query.shape[-1] ** 0.5
    return scores.masked_fill(~mask[:, None, :], -torch.inf).softmax(dim=1)
""",
            "each row should",
        ),
        (
            """
def attention(query, key, mask):
    scores = query @ key.transpose(1, 2) / query.shape[-1] ** 0.5
    return scores.masked_fill(~mask, -torch.inf).softmax(dim=-1)
""",
            "compared from the last axis",
        ),
        (
            """
def attention(query, key, mask):
    scores = query @ key / query.shape[-1] ** 0.5
    return scores.masked_fill(~mask[:, None, :], -torch.inf).softmax(dim=-1)
""",
            "Swap the last two axes",
        ),
        (
            """
def attention(query, key, mask):
    scores = query @ key.transpose(1, 2) / query.shape[-1] ** 0.5
    weights = scores.masked_fill(~mask[:, None, :], -torch.inf).softmax(dim=-1)
    return weights @ key
""",
            "one step too far",
        ),
        (
            """
def attention(query, key, mask):
    scores = query @ key.transpose(1, 2) / query.shape[-1] ** 0.5
    return scores.masked_fill(~mask[:, None, :], -torch.inf)
""",
            "Softmax is missing",
        ),
        (
            """
def attention(query, key, mask):
    scores = key @ query.transpose(1, 2) / query.shape[-1] ** 0.5
    return scores.masked_fill(~mask[:, None, :], -torch.inf).softmax(dim=-1)
""",
            "the other way round",
        ),
    ],
    "L3-4": [
        (
            """
def drift(pool, frames, rubbish):
    inside = torch.ones(frames.shape[:2], dtype=torch.bool)
    outside = torch.zeros(rubbish.shape[:2], dtype=torch.bool)
    padded = pool(torch.cat([frames, rubbish], dim=1), torch.cat([inside, outside], dim=1))
    return (padded - pool(frames, inside)).max()
""",
            "falls by 3",
        ),
        (
            """
def drift(pool, frames, rubbish):
    inside = torch.ones(frames.shape[:2], dtype=torch.bool)
    outside = torch.zeros(rubbish.shape[:2], dtype=torch.bool)
    padded = pool(torch.cat([frames, rubbish], dim=1), torch.cat([inside, outside], dim=1))
    return abs((padded - pool(frames, inside)).max())
""",
            "comes too late",
        ),
        (
            """
def drift(pool, frames, rubbish):
    inside = torch.ones(frames.shape[:2], dtype=torch.bool)
    outside = torch.zeros(rubbish.shape[:2], dtype=torch.bool)
    padded = pool(torch.cat([frames, rubbish], dim=1), torch.cat([inside, outside], dim=1))
    return (padded - pool(frames, inside)).abs().mean()
""",
            "the mean difference",
        ),
        (
            """
def drift(pool, frames, rubbish):
    inside = torch.ones(frames.shape[:2], dtype=torch.bool)
    both = torch.cat([frames, rubbish], dim=1)
    padded = pool(both, torch.ones(both.shape[:2], dtype=torch.bool))
    return (padded - pool(frames, inside)).abs().max()
""",
            "It is False there",
        ),
        (
            """
def drift(pool, frames, rubbish):
    inside = torch.ones(frames.shape[:2])
    outside = torch.zeros(rubbish.shape[:2])
    padded = pool(torch.cat([frames, rubbish], dim=1), torch.cat([inside, outside], dim=1))
    return (padded - pool(frames, inside)).abs().max()
""",
            "`dtype=torch.bool`",
        ),
        (
            """
def drift(pool, frames, rubbish):
    inside = torch.ones(frames.shape[:2], dtype=torch.bool)
    outside = torch.zeros(rubbish.shape[:2], dtype=torch.bool)
    padded = pool(torch.cat([rubbish, frames], dim=1), torch.cat([inside, outside], dim=1))
    return (padded - pool(frames, inside)).abs().max()
""",
            "in front of the frames",
        ),
        (
            """
def drift(pool, frames, rubbish):
    inside = torch.ones(frames.shape[:2], dtype=torch.bool)
    outside = torch.zeros(rubbish.shape[:2], dtype=torch.bool)
    padded = pool(torch.cat([frames, rubbish]), torch.cat([inside, outside]))
    return (padded - pool(frames, inside)).abs().max()
""",
            "Which axis counts the frames",
        ),
        (
            """
def drift(pool, frames, rubbish):
    inside = torch.ones(frames.shape[:2], dtype=torch.bool)
    outside = torch.zeros(rubbish.shape[:2], dtype=torch.bool)
    padded = pool(torch.cat([frames, rubbish], dim=1), torch.cat([inside, outside], dim=1))
    return padded - pool(frames, inside)
""",
            "one number, 0 or more",
        ),
    ],
    "L3-5": [
        (
            """
def leaks(pool, frames):
    batch, length, width = frames.shape
    return drift(pool, frames, torch.randn(batch, 20, width)) != 0
""",
            "it only rounds",
        ),
        (
            """
def leaks(pool, frames):
    batch, length, width = frames.shape
    return drift(pool, frames, torch.randn(batch, 5, width)) > 0
""",
            "it only rounds",
        ),
        (
            """
def leaks(pool, frames):
    batch, length, width = frames.shape
    return drift(pool, frames, torch.randn(batch, 20, width)) > 0.01
""",
            "a few thousandths",
        ),
        (
            """
def leaks(pool, frames):
    batch, length, width = frames.shape
    return drift(pool, frames, torch.randn(batch, 20, width)) > 0.003
""",
            "a few thousandths",
        ),
        (
            """
def leaks(pool, frames):
    batch, length, width = frames.shape
    return drift(pool, frames, torch.zeros(batch, 20, width)) > 1e-5
""",
            "kind padding",
        ),
        (
            """
def leaks(pool, frames):
    return drift(pool, frames, frames) > 1e-5
""",
            "kind padding",
        ),
        (
            """
def leaks(pool, frames):
    batch, length, width = frames.shape
    return drift(pool, frames, torch.randn(batch, 20, width)) < 1e-5
""",
            "the other way round",
        ),
        (
            """
def leaks(pool, frames):
    batch, length, width = frames.shape
    return drift(pool, frames, torch.randn(batch, 20, width))
""",
            "True or False",
        ),
        (
            """
def leaks(pool, frames):
    rubbish = torch.randn(1, 20, 16)
    return drift(pool, frames, rubbish) > 1e-5
""",
            "do batch and width agree",
        ),
    ],
}
