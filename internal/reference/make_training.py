"""Writes the losses of 50 training steps in PyTorch that train's tests read.

    python3 internal/reference/make_training.py train/testdata/training.json

Six small networks times three optimizers. First weights and samples are worked
out from a hash of whole numbers, written here and in train/training_test.go,
and exact in float32, so that none of them need to be kept. The file holds, for
each network, the shapes of its parameters in the order of the hash, and for
each optimizer its settings and the losses. With --double the same is worked
out in float64 and nothing is written: how far the losses move is how much of
them is rounding. Needs PyTorch 1.13 or newer, on the CPU.
"""

import json
import math
import sys

import torch
import torch.nn as nn
import torch.nn.functional as F

torch.set_num_threads(1)
STEPS, BATCHES, TOKENS, LENGTH, WIDTH = 50, 10, 12, 10, 16


def mixed(stream, i):
    """32 bits that look drawn: the mixer of MurmurHash3 (Appleby, 2011)."""
    x = (stream * 0x9E3779B1 + i * 0x85EBCA77 + 1) & 0xFFFFFFFF
    for _ in range(2):
        x = ((x ^ x >> 16) * 0x85EBCA6B) & 0xFFFFFFFF
        x = ((x ^ x >> 13) * 0xC2B2AE35) & 0xFFFFFFFF
        x ^= x >> 16
    return x


def value(stream, i):
    """Between -1 and 1, of 24 bits: exact in float32."""
    return ((mixed(stream, i) >> 8) - (1 << 23)) / (1 << 23)


def pick(stream, i, n):
    return mixed(stream, i) % n


# Streams of the samples; parameter k has stream 100 + k.
LABEL, PATTERN, PIXEL, WORD, LENS = 1, 2, 3, 4, 5


def pictures(n):
    """n pictures of 28x28: a pattern of 4x4 blocks for each class, under noise."""
    labels = [pick(LABEL, i, 10) for i in range(n)]
    x = torch.empty(n, 1, 28, 28)
    for i, c in enumerate(labels):
        rows = [value(PATTERN, c * 49 + y // 4 * 7 + z // 4) / 2 + value(PIXEL, i * 784 + y * 28 + z) / 2 for y in range(28) for z in range(28)]
        x[i] = torch.tensor(rows, dtype=torch.float64).to(torch.float32).reshape(1, 28, 28)
    return [x], torch.tensor(labels), None


def words(n):
    return torch.tensor([[pick(WORD, i * LENGTH + t, TOKENS) for t in range(LENGTH)] for i in range(n)])


def delayed(n):
    """The answer at each step is the token before; there is none at the first."""
    x = words(n)
    return [x], torch.cat([torch.full((n, 1), -100), x[:, :-1]], 1), None


def reversed_words(n):
    """Padded samples; the answer is the sample from its end to its head."""
    x = words(n)
    lens = torch.tensor([4 + pick(LENS, i, LENGTH - 3) for i in range(n)])
    y = torch.full((n, LENGTH), -100)
    for i, k in enumerate(lens.tolist()):
        y[i, :k] = x[i, :k].flip(0)
        x[i, k:] = 0
    return [x], y, lens


def translated(n):
    """As reversed_words, with a second input: the answer one step late, behind a start token."""
    [x], y, lens = reversed_words(n)
    shifted = torch.cat([torch.full((n, 1), TOKENS), y[:, :-1]], 1)
    shifted[torch.arange(LENGTH)[None] >= lens[:, None]] = 0
    return [x, shifted], y, lens


class Block(nn.Module):
    def __init__(self, a, b, stride):
        super().__init__()
        self.conv1, self.norm1 = nn.Conv2d(a, b, 3, stride, 1, bias=False), nn.BatchNorm2d(b)
        self.conv2, self.norm2 = nn.Conv2d(b, b, 3, 1, 1, bias=False), nn.BatchNorm2d(b)
        self.short = None
        if a != b:
            self.short = nn.Sequential(nn.Conv2d(a, b, 1, stride, bias=False), nn.BatchNorm2d(b))

    def forward(self, x):
        y = self.norm2(self.conv2(F.relu(self.norm1(self.conv1(x)))))
        return F.relu(y + (x if self.short is None else self.short(x)))


class LSTM(nn.Module):
    def __init__(self):
        super().__init__()
        self.embedding = nn.Embedding(TOKENS, WIDTH)
        self.lstm = nn.LSTM(WIDTH, 24, 2, batch_first=True)
        self.dense = nn.Linear(24, TOKENS)

    def forward(self, x, lens):
        return self.dense(self.lstm(self.embedding(x))[0])


class Encoder(nn.Module):
    def __init__(self, first, activation):
        super().__init__()
        self.embedding, self.position = nn.Embedding(TOKENS, WIDTH), nn.Embedding(LENGTH, WIDTH)
        self.layer = nn.TransformerEncoderLayer(WIDTH, 4, 32, 0.0, activation, batch_first=True, norm_first=first)
        self.norm = nn.LayerNorm(WIDTH) if first else nn.Identity()
        self.dense = nn.Linear(WIDTH, TOKENS)

    def forward(self, x, lens):
        padding = torch.arange(LENGTH)[None] >= lens[:, None]
        y = self.layer(self.embedding(x) + self.position.weight, src_key_padding_mask=padding)
        return self.dense(self.norm(y))

    def ordered(self):
        return [self.embedding, self.position, *running(self.layer), self.norm, self.dense]


class Translator(nn.Module):
    def __init__(self):
        super().__init__()
        self.source, self.place = nn.Embedding(TOKENS, WIDTH), nn.Embedding(LENGTH, WIDTH)
        self.encoder = nn.TransformerEncoderLayer(WIDTH, 4, 32, 0.0, "relu", batch_first=True)
        self.target, self.place2 = nn.Embedding(TOKENS + 1, WIDTH), nn.Embedding(LENGTH, WIDTH)
        self.decoder = nn.TransformerDecoderLayer(WIDTH, 4, 32, 0.0, "relu", batch_first=True)
        self.dense = nn.Linear(WIDTH, TOKENS)

    def forward(self, x, z, lens):
        padding = torch.arange(LENGTH)[None] >= lens[:, None]
        later = torch.ones(LENGTH, LENGTH).triu(1).bool()
        memory = self.encoder(self.source(x) + self.place.weight, src_key_padding_mask=padding)
        y = self.decoder(self.target(z) + self.place2.weight, memory, tgt_mask=later, tgt_key_padding_mask=padding, memory_key_padding_mask=padding)
        return self.dense(y)

    def ordered(self):
        return [self.source, self.place, *running(self.encoder), self.target, self.place2, *running(self.decoder), self.dense]


def running(layer):
    """The parts of an encoder or decoder layer in the order in which they run."""
    halves = [(layer.self_attn, layer.norm1)]
    if hasattr(layer, "multihead_attn"):
        halves.append((layer.multihead_attn, layer.norm2))
    last = layer.norm3 if len(halves) == 2 else layer.norm2
    out = [m for work, norm in halves for m in ((norm, work) if layer.norm_first else (work, norm))]
    dense = [layer.linear1, layer.linear2]
    return out + ([last] + dense if layer.norm_first else dense + [last])


def lenet5():
    return nn.Sequential(
        nn.Conv2d(1, 6, 5, padding=2), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(6, 16, 5), nn.ReLU(), nn.MaxPool2d(2),
        nn.Flatten(), nn.Linear(400, 120), nn.ReLU(), nn.Linear(120, 84), nn.ReLU(), nn.Linear(84, 10))


def resnet8():
    return nn.Sequential(
        nn.Conv2d(1, 16, 3, padding=1, bias=False), nn.BatchNorm2d(16), nn.ReLU(),
        Block(16, 16, 1), Block(16, 32, 2), Block(32, 64, 2), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(64, 10))


def parameters(net):
    """All in the running order of their layers."""
    parts = net.ordered() if hasattr(net, "ordered") else [net]
    return [(name, p) for m in parts for name, p in m.named_parameters()]


def fill(net):
    """Uniform within 1/sqrt(fan in); the scales of norms around 1, biases around 0."""
    for k, (name, p) in enumerate(parameters(net)):
        amount, middle = 0.125, 0.0
        if p.dim() > 1:
            amount = 1 / math.sqrt(p[0].numel())
        elif name.split(".")[-1] == "weight":
            middle = 1.0
        with torch.no_grad():
            p.copy_(torch.tensor([middle + amount * value(100 + k, i) for i in range(p.numel())], dtype=torch.float64).to(torch.float32).reshape(p.shape))


NETWORKS = [
    # name, network, samples, batch, learning rate of sgd and of adam. With twice the rates the pictures'
    # networks are unsteady: weights moved by a unit in the last place, which lands a relu or a pool on
    # another side, then move losses by more than a thousandth within PyTorch itself.
    ("lenet5", lenet5, pictures, 16, 0.02, 0.0005),
    ("resnet8", resnet8, pictures, 16, 0.002, 0.0002),
    ("lstm", LSTM, delayed, 16, 1.0, 0.01),
    ("encoder post", lambda: Encoder(False, "relu"), reversed_words, 16, 0.2, 0.01),
    ("encoder pre", lambda: Encoder(True, "gelu"), reversed_words, 16, 0.1, 0.01),
    ("encoder-decoder", Translator, translated, 16, 0.2, 0.01),
]
OPTIMIZERS = [
    ("sgd", lambda p, sgd, adam: ({"lr": sgd, "momentum": 0.9}, torch.optim.SGD(p, sgd, momentum=0.9))),
    ("adam", lambda p, sgd, adam: ({"lr": adam}, torch.optim.Adam(p, adam))),
    ("adamw", lambda p, sgd, adam: ({"lr": adam, "weight_decay": 0.1, "decay_all": True}, torch.optim.AdamW(p, adam, weight_decay=0.1))),
]


def train(make, samples, batch, optimizer, rates, dtype):
    net = make()
    fill(net)
    net = net.to(dtype).train()
    settings, opt = optimizer([p for _, p in parameters(net)], *rates)
    xs, labels, lens = samples
    losses = []
    for step in range(STEPS):
        at = slice(step % BATCHES * batch, (step % BATCHES + 1) * batch)
        x = [v[at].to(dtype) if v.is_floating_point() else v[at] for v in xs]
        y = net(*x) if are_pictures(xs) else net(*x, None if lens is None else lens[at])
        loss = F.cross_entropy(y.reshape(-1, y.shape[-1]), labels[at].reshape(-1))
        opt.zero_grad()
        loss.backward()
        opt.step()
        losses.append(float("%.7g" % float(loss)))
    return settings, losses, [list(p.shape) for _, p in parameters(net)]


def are_pictures(xs):
    return xs[0].is_floating_point()


networks = []
for name, make, draw, batch, *rates in NETWORKS:
    samples = draw(BATCHES * batch)
    runs = []
    for kind, optimizer in OPTIMIZERS:
        settings, losses, shapes = train(make, samples, batch, optimizer, rates, torch.float32)
        runs.append({"optimizer": kind, "settings": settings, "losses": losses})
        note = ""
        if "--double" in sys.argv:
            exact = train(make, samples, batch, optimizer, rates, torch.float64)[1]
            note = ", rounding %.1e" % max(abs(a / b - 1) for a, b in zip(losses, exact))
        print("%s, %s: loss %.4f to %.4f%s" % (name, kind, losses[0], losses[-1], note), file=sys.stderr)
    networks.append({"name": name, "batch": batch, "params": shapes, "runs": runs})

if "--double" not in sys.argv:
    with open(sys.argv[1], "w") as f:
        f.write("[\n" + ",\n".join(json.dumps(n, separators=(",", ":")) for n in networks) + "\n]\n")
