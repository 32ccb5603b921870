"""PyTorch on the workloads of `layercake bench`, for `layercake bench peers`.

    torch_bench.py probe                which PyTorch this is
    torch_bench.py params               the networks' sizes, by name
    torch_bench.py train|infer WORKLOAD THREADS VARIANT
    torch_bench.py gemm THREADS         with shapes [[m, k, n, ta, tb], ...] on stdin

Prints JSON, one object a line. Everything is float32 on random data that lies in
memory: four batches in rotation, no loader. A training step is zero_grad,
forward, loss, backward and the optimizer. A figure is the median of seven
repeats of 0.4 s after 0.8 s of warm-up, as on the other side.

VARIANT is plain, or words joined by +: channels_last (memory format), fused
(one optimizer kernel), fold (batch norms folded into convolutions, inference).
"""
import inspect
import json
import resource
import sys
import time

import torch
from torch import nn
from torch.nn import functional as F

BATCHES, REPEATS, SPAN, WARM = 4, 7, 0.4, 0.8
# Where SGD has a fused form, it and Adam run on processors too.
HAS_FUSED = "fused" in inspect.signature(torch.optim.SGD).parameters


def conv_norm(c_in, c_out, size, stride=1, groups=1):
    return nn.Sequential(
        nn.Conv2d(c_in, c_out, size, stride, size // 2, groups=groups, bias=False), nn.BatchNorm2d(c_out))


class Residual(nn.Module):
    """relu(path(x) + skip(x)); the skip is a 1x1 convolution where shapes differ."""

    def __init__(self, path, c_in, c_out, stride):
        super().__init__()
        self.path = path
        self.skip = nn.Identity() if stride == 1 and c_in == c_out else conv_norm(c_in, c_out, 1, stride)

    def forward(self, x):
        return F.relu(self.path(x) + self.skip(x))


def basic(c_in, width, stride):
    path = nn.Sequential(conv_norm(c_in, width, 3, stride), nn.ReLU(), conv_norm(width, width, 3))
    return Residual(path, c_in, width, stride), width


def bottleneck(c_in, width, stride):
    path = nn.Sequential(conv_norm(c_in, width, 1), nn.ReLU(), conv_norm(width, width, 3, stride), nn.ReLU(),
                         conv_norm(width, 4 * width, 1))
    return Residual(path, c_in, 4 * width, stride), 4 * width


def stages(block, c, widths, depths):
    out = []
    for i, (width, depth) in enumerate(zip(widths, depths)):
        for k in range(depth):
            module, c = block(c, width, 2 if i > 0 and k == 0 else 1)
            out.append(module)
    return out, c


def head(c, classes):
    return [nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(c, classes)]


def resnet_cifar(depth_each):
    body, c = stages(basic, 16, (16, 32, 64), [depth_each] * 3)
    return nn.Sequential(conv_norm(3, 16, 3), nn.ReLU(), *body, *head(c, 10))


def resnet_photo(block, depths, classes):
    body, c = stages(block, 64, (64, 128, 256, 512), depths)
    return nn.Sequential(conv_norm(3, 64, 7, 2), nn.ReLU(), nn.MaxPool2d(3, 2, 1), *body, *head(c, classes))


class Inverted(nn.Module):
    """MobileNetV2's block: widen, filter each channel, narrow; a skip where shapes agree."""

    def __init__(self, c_in, c_out, widen, stride):
        super().__init__()
        mid = c_in * widen
        parts = [conv_norm(c_in, mid, 1), nn.ReLU6()] if widen > 1 else []
        self.path = nn.Sequential(*parts, conv_norm(mid, mid, 3, stride, groups=mid), nn.ReLU6(), conv_norm(mid, c_out, 1))
        self.skips = stride == 1 and c_in == c_out

    def forward(self, x):
        return x + self.path(x) if self.skips else self.path(x)


def mobilenet_v2():
    out, c = [conv_norm(3, 32, 3, 2), nn.ReLU6()], 32
    for widen, width, depth, stride in ((1, 16, 1, 1), (6, 24, 2, 2), (6, 32, 3, 2), (6, 64, 4, 2), (6, 96, 3, 1),
                                        (6, 160, 3, 2), (6, 320, 1, 1)):
        for k in range(depth):
            out.append(Inverted(c, width, widen, stride if k == 0 else 1))
            c = width
    return nn.Sequential(*out, conv_norm(c, 1280, 1), nn.ReLU6(), *head(1280, 1000))


class CharRecurrent(nn.Module):
    def __init__(self, cell):
        super().__init__()
        self.embed = nn.Embedding(65, 64)
        self.cells = cell(64, 256, num_layers=2, batch_first=True)
        self.scores = nn.Linear(256, 65)

    def forward(self, x):
        return self.scores(self.cells(self.embed(x))[0])


class CausalBlock(nn.Module):
    def __init__(self, width, heads):
        super().__init__()
        self.heads = heads
        self.norm1, self.norm2 = nn.LayerNorm(width), nn.LayerNorm(width)
        self.qkv, self.out = nn.Linear(width, 3 * width), nn.Linear(width, width)
        self.up, self.down = nn.Linear(width, 4 * width), nn.Linear(4 * width, width)

    def attend(self, x):
        n, t, width = x.shape
        parts = self.qkv(x).view(n, t, 3, self.heads, width // self.heads)
        q, k, v = (parts[:, :, i].transpose(1, 2) for i in range(3))
        if hasattr(F, "scaled_dot_product_attention"):
            y = F.scaled_dot_product_attention(q, k, v, is_causal=True)
        else:
            later = torch.ones(t, t, dtype=torch.bool).triu(1)
            scores = q @ k.transpose(2, 3) * (width // self.heads) ** -0.5
            y = scores.masked_fill(later, float("-inf")).softmax(3) @ v
        return self.out(y.transpose(1, 2).reshape(n, t, width))

    def forward(self, x):
        x = x + self.attend(self.norm1(x))
        return x + self.down(F.gelu(self.up(self.norm2(x))))


class MiniGPT(nn.Module):
    def __init__(self):
        super().__init__()
        self.token, self.place = nn.Embedding(65, 128), nn.Embedding(128, 128)
        self.blocks = nn.Sequential(*[CausalBlock(128, 4) for _ in range(4)])
        self.norm, self.scores = nn.LayerNorm(128), nn.Linear(128, 65, bias=False)

    def forward(self, x):
        return self.scores(self.norm(self.blocks(self.token(x) + self.place.weight)))


class Translator(nn.Module):
    def __init__(self):
        super().__init__()
        self.source, self.target = nn.Embedding(64, 128), nn.Embedding(64, 128)
        self.source_place, self.target_place = nn.Embedding(32, 128), nn.Embedding(32, 128)
        self.core = nn.Transformer(128, 4, 2, 2, 512, dropout=0.0, batch_first=True)
        self.scores = nn.Linear(128, 64)
        self.register_buffer("later", torch.full((32, 32), float("-inf")).triu(1))

    def forward(self, source, target):
        y = self.core(self.source(source) + self.source_place.weight, self.target(target) + self.target_place.weight,
                      tgt_mask=self.later)
        return self.scores(y)


class BagOfTokens(nn.Module):
    def __init__(self):
        super().__init__()
        self.embed, self.scores = nn.Embedding(10000, 128), nn.Linear(128, 10)

    def forward(self, x):
        return self.scores(self.embed(x).mean(1))


def images(n, *shape):
    return lambda: torch.randn(n, *shape)


def tokens(n, t, below):
    return lambda: torch.randint(below, (n, t))


def momentum(rate):
    return torch.optim.SGD, {"lr": rate, "momentum": 0.9}


ADAM = torch.optim.Adam, {"lr": 1e-3}
ADAMW = torch.optim.AdamW, {"lr": 3e-4, "weight_decay": 0.01}
MLP = lambda: nn.Sequential(nn.Flatten(), nn.Linear(784, 512), nn.ReLU(), nn.Linear(512, 256), nn.ReLU(), nn.Linear(256, 10))
LENET5 = lambda: nn.Sequential(
    nn.Conv2d(1, 6, 5, padding=2), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(6, 16, 5), nn.ReLU(), nn.MaxPool2d(2),
    nn.Flatten(), nn.Linear(400, 120), nn.ReLU(), nn.Linear(120, 84), nn.ReLU(), nn.Linear(84, 10))

# name: network, samples a batch, its inputs, shape of the labels, classes, optimizer
TRAIN = {
    "mlp": (MLP, 64, [images(64, 1, 28, 28)], (64,), 10, momentum(0.01)),
    "lenet5": (LENET5, 64, [images(64, 1, 28, 28)], (64,), 10, momentum(0.01)),
    "resnet20": (lambda: resnet_cifar(3), 64, [images(64, 3, 32, 32)], (64,), 10, momentum(0.1)),
    "resnet18_64": (lambda: resnet_photo(basic, (2, 2, 2, 2), 10), 16, [images(16, 3, 64, 64)], (16,), 10, momentum(0.1)),
    "char_lstm": (lambda: CharRecurrent(nn.LSTM), 32, [tokens(32, 64, 65)], (32, 64), 65, ADAM),
    "char_gru": (lambda: CharRecurrent(nn.GRU), 32, [tokens(32, 64, 65)], (32, 64), 65, ADAM),
    "minigpt": (MiniGPT, 16, [tokens(16, 128, 65)], (16, 128), 65, ADAMW),
    "seq2seq": (Translator, 32, [tokens(32, 32, 64), tokens(32, 32, 64)], (32, 32), 64, ADAM),
    "embcls": (BagOfTokens, 128, [tokens(128, 20, 10000)], (128,), 10, ADAM),
}
INFER = {
    "resnet50": lambda: resnet_photo(bottleneck, (3, 4, 6, 3), 1000),
    "mobilenet_v2": mobilenet_v2,
}


def timed(step, repeats=REPEATS, span=SPAN, warm=WARM):
    """Calls a second of each repeat, in rising order."""
    n, start = 0, time.perf_counter()
    while time.perf_counter() - start < warm or n < 3:
        step()
        n += 1
    calls = max(1, int(span * n / (time.perf_counter() - start)) + 1)
    out = []
    for _ in range(repeats):
        start = time.perf_counter()
        for _ in range(calls):
            step()
        out.append(calls / (time.perf_counter() - start))
    return sorted(out)


def say(**line):
    print(json.dumps(line), flush=True)


def report(per_call, rates):
    say(samples_per_s=per_call * rates[len(rates) // 2], min=per_call * rates[0], max=per_call * rates[-1],
        peak_rss_mb=resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)


def train(name, words):
    make, n, inputs, label_shape, classes, (optimizer, settings) = TRAIN[name]
    model = make()
    data = [([x() for x in inputs], torch.randint(classes, label_shape)) for _ in range(BATCHES)]
    if "channels_last" in words:
        model = model.to(memory_format=torch.channels_last)
        data = [([x.contiguous(memory_format=torch.channels_last) for x in xs], y) for xs, y in data]
    if "fused" in words:
        settings = dict(settings, fused=True)
    opt = optimizer(model.parameters(), **settings)
    state = {"turn": 0, "loss": None}

    def step():
        xs, y = data[state["turn"] % BATCHES]
        state["turn"] += 1
        opt.zero_grad(set_to_none=True)
        loss = F.cross_entropy(model(*xs).flatten(0, -2), y.flatten())
        loss.backward()
        opt.step()
        state["loss"] = loss

    rates = timed(step)
    if not torch.isfinite(state["loss"]).item():
        sys.exit("the loss is not finite")
    report(n, rates)


def infer(name, words):
    model, x = INFER[name]().eval(), torch.randn(1, 3, 224, 224)
    if "channels_last" in words:
        model = model.to(memory_format=torch.channels_last)
        x = x.contiguous(memory_format=torch.channels_last)
    if "fold" in words:
        from torch.fx.experimental import optimization
        model = optimization.fuse(model)

    def step():
        with torch.inference_mode():
            model(x)

    report(1, timed(step))


def params():
    made = {name: entry[0]() for name, entry in TRAIN.items()}
    made.update((name, make()) for name, make in INFER.items())
    say(**{name: sum(p.numel() for p in model.parameters()) for name, model in made.items()})


def gemm():
    for m, k, n, ta, tb in json.load(sys.stdin):
        a = torch.randn(k, m).t() if ta else torch.randn(m, k)
        b = torch.randn(n, k).t() if tb else torch.randn(k, n)
        out = torch.empty(m, n)
        rates = timed(lambda: torch.mm(a, b, out=out), 9, 0.06, 0.06)
        flop = 2e-9 * m * k * n
        say(gflops=flop * rates[4], min=flop * rates[0], max=flop * rates[-1])


def main(what, *args):
    if what == "probe":
        return say(version=torch.__version__, fused=HAS_FUSED)
    if what == "params":
        return params()
    torch.manual_seed(0)
    threads = int(args[0] if what == "gemm" else args[1])
    torch.set_num_threads(threads)
    if what == "gemm":
        return gemm()
    words = args[2].split("+")
    train(args[0], words) if what == "train" else infer(args[0], words)


main(*sys.argv[1:])
