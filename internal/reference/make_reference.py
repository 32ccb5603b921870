"""Writes the PyTorch reference numbers that layers' tests read.

    python3 internal/reference/make_reference.py layers/testdata

One JSON file a kind of layer, each a list of cases: settings as network files
write them, inputs and parameters in PyTorch's own axis order, the output, and
the gradients of sum(out * dout). Needs PyTorch 1.13 or newer, on the CPU.
"""

import json
import os
import sys

import torch
import torch.nn.functional as F

torch.set_num_threads(1)


def flat(t):
    return [float("%.7g" % v) for v in t.detach().reshape(-1).tolist()]


def short(t):
    """The nearest 64ths: exact in float32 and quick to write."""
    return (t.detach() * 64).round() / 64


def case(kind, name, settings, xs, fn, params=(), state=(), fn_eval=None):
    """Runs fn(xs, params, state) and gives the case as a dict."""
    xs = [short(x).requires_grad_(True) for x in xs]
    params = {k: short(v).requires_grad_(True) for k, v in dict(params).items()}
    state = {k: short(v) for k, v in dict(state).items()}
    before = {k: flat(v) for k, v in state.items()}
    out = fn(xs, params, state)
    dout = short(torch.rand(out.shape) * 2 - 1)
    (out * dout).sum().backward()
    c = {
        "kind": kind, "name": name, "settings": settings,
        "batch": xs[0].shape[0], "in": [list(x.shape[1:]) for x in xs],
        "x": [flat(x) for x in xs],
        "params": {k: flat(v) for k, v in params.items()}, "state": before,
        "out_shape": list(out.shape[1:]), "out": flat(out), "dout": flat(dout),
        "dx": [flat(x.grad) for x in xs],
        "dparams": {k: flat(v.grad) for k, v in params.items()},
        "state_after": {k: flat(v) for k, v in state.items()},
    }
    if fn_eval is not None:
        c["out_eval"] = flat(fn_eval(xs, params, state))
    return c


def conv_cases():
    rows = [
        # name, batch, in, filters, kernel, stride, pad (top bottom left right) or same, dilation, groups, bias
        ("3x3 same", 2, (2, 5, 4), 3, (3, 3), (1, 1), "same", (1, 1), 1, True),
        ("3x3 stride 2 same", 2, (3, 6, 5), 4, (3, 3), (2, 2), "same", (1, 1), 1, False),
        ("3x3 stride 2 same, even", 1, (3, 8, 8), 2, (3, 3), (2, 2), "same", (1, 1), 1, True),
        ("1x1", 2, (5, 3, 3), 4, (1, 1), (1, 1), (0, 0, 0, 0), (1, 1), 1, True),
        ("1x1 stride 2", 2, (4, 5, 4), 3, (1, 1), (2, 2), (0, 0, 0, 0), (1, 1), 1, False),
        ("valid 5x5", 2, (1, 7, 7), 3, (5, 5), (1, 1), (0, 0, 0, 0), (1, 1), 1, True),
        ("7x7 stride 2 pad 3", 1, (3, 9, 9), 3, (7, 7), (2, 2), (3, 3, 3, 3), (1, 1), 1, False),
        ("dilation 2 same", 2, (2, 7, 6), 3, (3, 3), (1, 1), "same", (2, 2), 1, True),
        ("dilation 2x1", 1, (2, 7, 6), 3, (2, 3), (1, 1), (0, 0, 1, 1), (2, 1), 1, True),
        ("asymmetric", 2, (2, 5, 6), 3, (2, 3), (1, 2), (1, 0, 2, 1), (1, 1), 1, True),
        ("depthwise", 2, (4, 5, 5), 4, (3, 3), (1, 1), "same", (1, 1), 4, True),
        ("depthwise stride 2", 1, (3, 6, 6), 3, (3, 3), (2, 2), "same", (1, 1), 3, False),
        ("depthwise times two", 1, (3, 4, 4), 6, (3, 3), (1, 1), "same", (1, 1), 3, True),
        ("two groups", 2, (4, 5, 5), 6, (3, 3), (2, 2), "same", (1, 1), 2, True),
        ("as large as the image", 2, (2, 4, 4), 3, (4, 4), (1, 1), (0, 0, 0, 0), (1, 1), 1, True),
        ("wide", 1, (17, 4, 4), 9, (3, 3), (1, 1), "same", (1, 1), 1, True),
    ]
    out = []
    for name, n, ins, f, k, s, pad, d, g, bias in rows:
        if pad == "same":
            p = ((k[0] - 1) // 2 * d[0],) * 2 + ((k[1] - 1) // 2 * d[1],) * 2
            word = ["same"]
        else:
            p, word = pad, [str(v) for v in pad]
        params = {"weight": torch.randn(f, ins[0] // g, *k) * 0.3}
        if bias:
            params["bias"] = torch.randn(f) * 0.3
        settings = {
            "filters": [str(f)], "kernel": [str(v) for v in k], "stride": [str(v) for v in s], "padding": word,
            "dilation": [str(v) for v in d], "groups": [str(g)], "bias": ["true" if bias else "false"],
        }

        def fn(x, w, _, p=p, s=s, d=d, g=g):
            padded = F.pad(x[0], (p[2], p[3], p[0], p[1]))
            return F.conv2d(padded, w["weight"], w.get("bias"), stride=s, dilation=d, groups=g)

        out.append(case("conv2d", name, settings, [torch.randn(n, *ins)], fn, params))
    return out


def dense_cases():
    out = []
    for name, n, ins, u, bias in [
        ("flat", 4, (7,), 5, True), ("without bias", 3, (4,), 1, False), ("sequence", 2, (3, 6), 4, True),
        ("wide", 2, (33,), 17, True),
    ]:
        params = {"weight": torch.randn(u, ins[-1]) * 0.4}
        if bias:
            params["bias"] = torch.randn(u)
        out.append(case("dense", name, {"units": [str(u)], "bias": ["true" if bias else "false"]},
                        [torch.randn(n, *ins)], lambda x, w, _: F.linear(x[0], w["weight"], w.get("bias")), params))
    return out


def batchnorm_cases():
    out = []
    for name, n, ins, eps, mom in [
        ("images", 3, (4, 3, 5), 1e-5, 0.1), ("vectors", 5, (6,), 1e-5, 0.1), ("eps and momentum", 4, (3, 2, 2), 1e-3, 0.3),
        ("sequences", 3, (4, 5), 1e-5, 0.1),
    ]:
        sequence = len(ins) == 2
        c = ins[-1] if sequence else ins[0]
        turn = (lambda t: t.transpose(1, 2)) if sequence else (lambda t: t)

        def run(x, w, st, train, eps=eps, mom=mom, turn=turn):
            y = F.batch_norm(turn(x[0]), st["running_mean"], st["running_var"], w["weight"], w["bias"], train, mom, eps)
            return turn(y)

        out.append(case(
            "batchnorm", name, {"eps": [repr(eps)], "momentum": [repr(mom)]},
            [torch.randn(n, *ins) * 2 + 1], lambda x, w, st, run=run: run(x, w, st, True),
            {"weight": torch.randn(c) + 1, "bias": torch.randn(c)},
            {"running_mean": torch.randn(c), "running_var": torch.rand(c) + 0.5},
            lambda x, w, st, run=run: run(x, w, st, False)))
    return out


def layernorm_cases():
    out = []
    for name, n, ins, eps in [("vectors", 4, (7,), 1e-5), ("sequences", 2, (3, 6), 1e-5), ("eps", 3, (4,), 1e-2), ("wide", 2, (2, 37), 1e-5)]:
        c = ins[-1]
        out.append(case("layernorm", name, {"eps": [repr(eps)]}, [torch.randn(n, *ins) * 2 + 1],
                        lambda x, w, _, c=c, eps=eps: F.layer_norm(x[0], (c,), w["weight"], w["bias"], eps),
                        {"weight": torch.randn(c) + 1, "bias": torch.randn(c)}))
    return out


def pool_cases():
    rows = [
        ("2x2", (3, 4, 6), (2, 2), (2, 2), (0, 0)),
        ("2x2 odd image", (2, 5, 5), (2, 2), (2, 2), (0, 0)),
        ("3x3 stride 2 pad 1", (3, 6, 7), (3, 3), (2, 2), (1, 1)),
        ("3x3 stride 1 pad 1", (2, 4, 4), (3, 3), (1, 1), (1, 1)),
        ("2x3", (2, 5, 7), (2, 3), (1, 2), (0, 1)),
    ]
    out = {"maxpool": [], "avgpool": []}
    for name, ins, k, s, p in rows:
        base = {"kernel": [str(v) for v in k], "stride": [str(v) for v in s], "padding": [str(v) for v in p]}
        out["maxpool"].append(case("maxpool", name, base, [torch.randn(2, *ins)],
                                   lambda x, *_, k=k, s=s, p=p: F.max_pool2d(x[0], k, s, p)))
        for count in (True, False):
            settings = dict(base, count_pad=["true" if count else "false"])
            out["avgpool"].append(case(
                "avgpool", name + (" counted" if count else ""), settings, [torch.randn(2, *ins)],
                lambda x, *_, k=k, s=s, p=p, c=count: F.avg_pool2d(x[0], k, s, p, count_include_pad=c)))
    return out


def shape_cases():
    return {
        "globalavgpool": [case("globalavgpool", "images", {}, [torch.randn(3, 5, 4, 3)], lambda x, *_: x[0].mean((2, 3))),
                          case("globalavgpool", "sequences", {}, [torch.randn(3, 5, 4)], lambda x, *_: x[0].mean(1))],
        "flatten": [case("flatten", "images", {}, [torch.randn(2, 3, 2, 4)], lambda x, *_: x[0].flatten(1)),
                    case("flatten", "sequences", {}, [torch.randn(2, 3, 4)], lambda x, *_: x[0].flatten(1))],
        "concat": [case("concat", "images", {}, [torch.randn(2, 3, 2, 4), torch.randn(2, 1, 2, 4), torch.randn(2, 2, 2, 4)],
                        lambda x, *_: torch.cat(x, 1)),
                   case("concat", "sequences", {}, [torch.randn(2, 3, 4), torch.randn(2, 3, 2)], lambda x, *_: torch.cat(x, 2))],
        "add": [case("add", "three", {}, [torch.randn(2, 3, 2, 2) for _ in range(3)], lambda x, *_: x[0] + x[1] + x[2])],
        "multiply": [case("multiply", "three", {}, [torch.randn(2, 3, 2, 2) for _ in range(3)], lambda x, *_: x[0] * x[1] * x[2]),
                     case("multiply", "gate", {}, [torch.randn(2, 3, 2, 4), torch.randn(2, 3)], lambda x, *_: x[0] * x[1][:, :, None, None])],
        "subsample": [case("subsample", "option A", {"stride": ["2"], "channels": ["6"]}, [torch.randn(2, 2, 5, 4)],
                           lambda x, *_: F.pad(x[0][:, :, ::2, ::2], (0, 0, 0, 0, 2, 2)))],
        "softmax": [case("softmax", "vectors", {}, [torch.randn(3, 7) * 3], lambda x, *_: x[0].softmax(1)),
                    case("softmax", "images", {}, [torch.randn(2, 4, 2, 3)], lambda x, *_: x[0].softmax(1)),
                    case("softmax", "sequences", {}, [torch.randn(2, 4, 3)], lambda x, *_: x[0].softmax(2))],
        "upsample": [case("upsample", "nearest", {"scale": ["2"]}, [torch.randn(2, 3, 3, 2)],
                          lambda x, *_: F.interpolate(x[0], scale_factor=2, mode="nearest")),
                     case("upsample", "rows and columns", {"scale": ["3", "1"]}, [torch.randn(2, 3, 2, 2)],
                          lambda x, *_: F.interpolate(x[0], scale_factor=(3, 1), mode="nearest"))],
        "reshape": [case("reshape", "to image", {"shape": ["3", "2", "4"]}, [torch.randn(2, 24)], lambda x, *_: x[0].reshape(2, 3, 2, 4)),
                    case("reshape", "image to sequence", {"shape": ["6", "4"]}, [torch.randn(2, 3, 2, 4)], lambda x, *_: x[0].reshape(2, 6, 4)),
                    case("reshape", "image to image", {"shape": ["4", "3", "2"]}, [torch.randn(2, 3, 2, 4)], lambda x, *_: x[0].reshape(2, 4, 3, 2))],
    }


def activation_cases():
    fns = {
        "relu": (F.relu, {}), "leakyrelu": (lambda x: F.leaky_relu(x, 0.02), {"slope": ["0.02"]}), "relu6": (F.relu6, {}),
        "elu": (lambda x: F.elu(x, 0.7), {"alpha": ["0.7"]}), "selu": (F.selu, {}), "gelu": (F.gelu, {}),
        "silu": (F.silu, {}), "sigmoid": (torch.sigmoid, {}), "tanh": (torch.tanh, {}), "softplus": (F.softplus, {}),
        "hardsigmoid": (F.hardsigmoid, {}), "hardswish": (F.hardswish, {}),
    }
    out = []
    # From far below every bend to far above, and fine around zero.
    x = torch.cat([torch.linspace(-12, 12, 49) + 1 / 64, torch.linspace(-7.5, 7.5, 15) / 64]).reshape(2, 32)
    for kind, (fn, settings) in fns.items():
        out.append(case(kind, "curve", settings, [x], lambda x, *_, fn=fn: fn(x[0])))
    out.append(case("gelu", "tanh", {"approximate": ["tanh"]}, [x], lambda x, *_: F.gelu(x[0], approximate="tanh")))
    return out


def embedding_cases():
    ids = torch.tensor([[0, 3, 3, 1], [4, 0, 2, 3]])
    w = short(torch.randn(5, 3)).requires_grad_(True)
    y = F.embedding(ids, w)
    dout = short(torch.rand(y.shape) * 2 - 1)
    (y * dout).sum().backward()
    return [{
        "kind": "embedding", "name": "repeated ids", "settings": {"tokens": ["5"], "width": ["3"]}, "batch": 2, "in": [[4]],
        "x": [flat(ids.float())], "params": {"weight": flat(w)}, "state": {}, "out_shape": [4, 3], "out": flat(y),
        "dout": flat(dout), "dx": [], "dparams": {"weight": flat(w.grad)}, "state_after": {},
    }]


def cross_entropy_cases():
    out = []
    for name, n, c, smoothing, ignore in [("plain", 5, 4, 0.0, False), ("smoothed", 4, 7, 0.1, False), ("ignored labels", 6, 3, 0.0, True)]:
        x = short(torch.randn(n, c) * 3).requires_grad_(True)
        labels = torch.randint(0, c, (n,))
        if ignore:
            labels[1] = -1
        loss = F.cross_entropy(x, labels, reduction="sum", label_smoothing=smoothing, ignore_index=-1)
        loss.backward()
        out.append({"name": name, "rows": n, "cols": c, "smoothing": smoothing, "x": flat(x), "labels": labels.tolist(),
                    "loss": float(loss), "dx": flat(x.grad)})
    return out


def main(folder):
    torch.manual_seed(20)
    files = {"conv2d": conv_cases(), "dense": dense_cases(), "batchnorm": batchnorm_cases(), "layernorm": layernorm_cases(),
             "activations": activation_cases(), "embedding": embedding_cases(), **pool_cases(), **shape_cases(),
             "crossentropy": cross_entropy_cases()}
    for name, cases in files.items():
        with open(os.path.join(folder, name + ".json"), "w") as f:
            f.write("[\n" + ",\n".join(json.dumps(c, separators=(",", ":")) for c in cases) + "\n]\n")


if __name__ == "__main__":
    main(sys.argv[1])
