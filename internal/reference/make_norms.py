"""Writes the PyTorch reference numbers of norms, gates and learnt factors.

    python3 internal/reference/make_norms.py layers/testdata

One JSON file a kind; the form and the helpers are make_reference.py's.
"""

import json
import os
import sys

import torch
import torch.nn.functional as F

from make_reference import case, flat, short


def yes(b):
    return ["true" if b else "false"]


def sequence_turn(ins):
    """Moves the features of sequences to where PyTorch has channels."""
    return (lambda t: t.transpose(1, 2)) if len(ins) == 2 else (lambda t: t)


def layernorm_cases():
    out = []
    for name, n, ins, affine, bias in [("without bias", 3, (4, 9), True, False), ("without scale", 3, (6,), False, False),
                                       ("one step", 2, (1, 5), True, True), ("hundred", 2, (3, 100), True, True),
                                       ("images", 2, (6, 2, 3), True, True)]:
        image = len(ins) == 3
        c = ins[0] if image else ins[-1]
        params = {}
        if affine:
            params["weight"] = torch.randn(c) + 1
        if affine and bias:
            params["bias"] = torch.randn(c)

        def fn(x, w, _, c=c, image=image):
            x = x[0].permute(0, 2, 3, 1) if image else x[0]
            y = F.layer_norm(x, (c,), w.get("weight"), w.get("bias"))
            return y.permute(0, 3, 1, 2) if image else y

        out.append(case("layernorm", name, {"affine": yes(affine), "bias": yes(bias)}, [torch.randn(n, *ins) * 2 + 1], fn, params))
    return out


def rmsnorm_cases():
    # PyTorch 1.13 has no rms_norm: its formula, and gradients by autograd.
    out = []
    for name, n, ins, eps, affine in [("vectors", 4, (7,), 1e-6, True), ("sequences", 2, (3, 16), 1e-6, True), ("eps", 3, (1, 5), 1e-2, True),
                                      ("wide", 2, (2, 101), 1e-6, True), ("without scale", 3, (6,), 1e-6, False), ("images", 2, (5, 2, 3), 1e-6, True)]:
        image = len(ins) == 3
        c = ins[0] if image else ins[-1]

        def fn(x, w, _, eps=eps, image=image):
            x = x[0].permute(0, 2, 3, 1) if image else x[0]
            y = x * torch.rsqrt(x.pow(2).mean(-1, keepdim=True) + eps)
            if "weight" in w:
                y = y * w["weight"]
            return y.permute(0, 3, 1, 2) if image else y

        out.append(case("rmsnorm", name, {"eps": [repr(eps)], "affine": yes(affine)}, [torch.randn(n, *ins) * 2 + 1], fn,
                        {"weight": torch.randn(c) + 1} if affine else {}))
    return out


def groupnorm_cases():
    out = []
    for name, n, ins, groups, eps, affine in [("images", 2, (6, 3, 4), 3, 1e-5, True), ("one group", 3, (4, 2, 3), 1, 1e-5, True),
                                              ("as many groups as channels", 2, (4, 3, 3), 4, 1e-3, True), ("sequences", 3, (7, 6), 2, 1e-5, True),
                                              ("vectors", 4, (8,), 2, 1e-5, True), ("without scale", 2, (16, 2, 2), 8, 1e-5, False),
                                              ("one step", 3, (1, 6), 1, 1e-5, True)]:
        turn = sequence_turn(ins)
        c = ins[-1] if len(ins) == 2 else ins[0]
        out.append(case("groupnorm", name, {"groups": [str(groups)], "eps": [repr(eps)], "affine": yes(affine)}, [torch.randn(n, *ins) * 2 + 1],
                        lambda x, w, _, turn=turn, g=groups, eps=eps: turn(F.group_norm(turn(x[0]), g, w.get("weight"), w.get("bias"), eps)),
                        {"weight": torch.randn(c) + 1, "bias": torch.randn(c)} if affine else {}))
    return out


def instancenorm_cases():
    out = []
    for name, n, ins, eps, affine in [("images", 2, (3, 3, 4), 1e-5, False), ("with scale", 2, (4, 2, 5), 1e-5, True),
                                      ("sequences", 3, (6, 4), 1e-5, True), ("eps", 2, (2, 1, 2), 1e-2, False)]:
        turn = sequence_turn(ins)
        c = ins[-1] if len(ins) == 2 else ins[0]
        out.append(case("instancenorm", name, {"eps": [repr(eps)], "affine": yes(affine)}, [torch.randn(n, *ins) * 2 + 1],
                        lambda x, w, _, turn=turn, eps=eps: turn(F.instance_norm(turn(x[0]), weight=w.get("weight"), bias=w.get("bias"), eps=eps)),
                        {"weight": torch.randn(c) + 1, "bias": torch.randn(c)} if affine else {}))
    return out


def batchnorm_cases():
    out = []
    for name, n, ins, mom, affine in [("without scale", 3, (3, 2, 4), 0.1, False), ("momentum 0", 4, (5,), 0.0, True),
                                      ("momentum 1", 2, (3, 4), 1.0, True), ("one pixel", 5, (3, 1, 1), 0.1, True)]:
        turn = sequence_turn(ins)
        c = ins[-1] if len(ins) == 2 else ins[0]

        def run(x, w, st, train, mom=mom, turn=turn):
            return turn(F.batch_norm(turn(x[0]), st["running_mean"], st["running_var"], w.get("weight"), w.get("bias"), train, mom, 1e-5))

        out.append(case("batchnorm", name, {"momentum": [repr(mom)], "affine": yes(affine)}, [torch.randn(n, *ins) * 2 + 1],
                        lambda x, w, st, run=run: run(x, w, st, True), {"weight": torch.randn(c) + 1, "bias": torch.randn(c)} if affine else {},
                        {"running_mean": torch.randn(c), "running_var": torch.rand(c) + 0.5}, lambda x, w, st, run=run: run(x, w, st, False)))
    return out


def gate_cases():
    fns = {"sigmoid": torch.sigmoid, "silu": F.silu, "gelu": F.gelu, "gelu_tanh": lambda b: F.gelu(b, approximate="tanh"),
           "relu": F.relu, "none": lambda b: b}
    out = [case("glu", "F.glu of " + name, {}, [torch.randn(2, *ins) * 2], lambda x, *_, d=d: F.glu(x[0], d))
           for name, ins, d in [("vectors", (14,), 1), ("sequences", (3, 8), 2), ("images", (6, 2, 3), 1)]]
    for word, f in fns.items():
        def fn(x, *_, f=f):
            a, b = x[0].chunk(2, -1)
            return a * f(b)

        out.append(case("glu", word, {"activation": [word]}, [torch.randn(3, 2, 18) * 2], fn))
    return out


def prelu_cases():
    out = []
    for name, ins, slopes in [("one slope", (3, 2, 4), 1), ("by channel", (3, 2, 4), 3), ("vectors", (9,), 9), ("sequences", (4, 5), 5)]:
        turn = sequence_turn(ins)
        out.append(case("prelu", name, {"slopes": ["one" if slopes == 1 else "channel"]}, [torch.randn(3, *ins)],
                        lambda x, w, _, turn=turn: turn(F.prelu(turn(x[0]), w["weight"])), {"weight": torch.randn(slopes) * 0.3}))
    return out


def factor_cases():
    out = {"layerscale": [], "scale": []}
    for name, ins, shape in [("vectors", (7,), (7,)), ("sequences", (3, 5), (5,)), ("images", (4, 2, 3), (4, 1, 1))]:
        c = max(shape)
        out["layerscale"].append(case("layerscale", name, {"start": ["0.1"]}, [torch.randn(3, *ins)],
                                      lambda x, w, _, s=shape: x[0] * w["weight"].reshape(s), {"weight": torch.randn(c) * 0.1}))
    out["scale"].append(case("scale", "half and other side", {"factor": ["-0.5"]}, [torch.randn(2, 3, 4)], lambda x, *_: x[0] * -0.5))
    return out


def logsoftmax_cases():
    out = [case("logsoftmax", name, {}, [torch.randn(3, *ins) * s], lambda x, *_, d=d: x[0].log_softmax(d))
           for name, ins, s, d in [("vectors", (7,), 3, 1), ("far apart", (9,), 40, 1), ("sequences", (4, 11), 3, 2), ("images", (4, 2, 3), 3, 1)]]
    out.append(case("softmax", "far apart", {}, [torch.randn(3, 9) * 40], lambda x, *_: x[0].softmax(1)))
    out.append(case("softmax", "one step", {}, [torch.randn(2, 1, 13) * 3], lambda x, *_: x[0].softmax(2)))
    return out


def embedding_cases():
    out = []
    for name, padding, scale in [("padding", 2, False), ("times root of width", -1, True), ("padding and scale", 0, True)]:
        ids = torch.tensor([[0, 3, 2, 2, 1], [4, 0, 2, 3, 3]])
        start = torch.randn(5, 4)
        if padding >= 0:
            start[padding] = 0
        w = short(start).requires_grad_(True)
        y = F.embedding(ids, w, padding_idx=padding if padding >= 0 else None) * (2.0 if scale else 1.0)
        dout = short(torch.rand(y.shape) * 2 - 1)
        (y * dout).sum().backward()
        out.append({
            "kind": "embedding", "name": name, "settings": {"tokens": ["5"], "width": ["4"], "padding": [str(padding)], "scale": yes(scale)},
            "batch": 2, "in": [[5]], "x": [flat(ids.float())], "params": {"weight": flat(w)}, "state": {}, "out_shape": [5, 4], "out": flat(y),
            "dout": flat(dout), "dx": [], "dparams": {"weight": flat(w.grad)}, "state_after": {},
        })
    return out


def main(folder):
    torch.manual_seed(21)
    files = {
        "norms": layernorm_cases() + batchnorm_cases(), "rmsnorm": rmsnorm_cases(), "groupnorm": groupnorm_cases(),
        "instancenorm": instancenorm_cases(), "glu": gate_cases(), "prelu": prelu_cases(), **factor_cases(),
        "logsoftmax": logsoftmax_cases(), "embedding_padding": embedding_cases(),
    }
    for name, cases in files.items():
        with open(os.path.join(folder, name + ".json"), "w") as f:
            f.write("[\n" + ",\n".join(json.dumps(c, separators=(",", ":")) for c in cases) + "\n]\n")


main(sys.argv[1])
