"""Writes the PyTorch reference numbers of the recurrent layers.

    python3 internal/reference/make_recurrent.py layers/testdata

One JSON file a kind, in the form of make_reference.py, with the lengths of
padded samples beside them.
"""

import json
import os
import sys

import torch
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

torch.manual_seed(21)
torch.set_num_threads(1)


def flat(t):
    return [float("%.7g" % v) for v in t.detach().reshape(-1).tolist()]


def short(t):
    """The nearest 64ths: exact in float32 and quick to write."""
    return (t.detach() * 64).round() / 64


def case(kind, name, net, n, t, features, last=False, lens=None, settings=None):
    with torch.no_grad():
        for p in net.parameters():
            p.copy_(short(p * 1.5))
    x = short(torch.randn(n, t, features)).requires_grad_(True)
    if lens is None:
        y, h = net(x)
    else:
        y, h = net(pack_padded_sequence(x, torch.tensor(lens), batch_first=True, enforce_sorted=False))
        y, _ = pad_packed_sequence(y, batch_first=True, total_length=t)
    if kind == "lstm":
        h = h[0]
    if last:
        ends = 2 if net.bidirectional else 1
        y = torch.cat(list(h[-ends:]), 1)
    dout = short(torch.rand(y.shape) * 2 - 1)
    (y * dout).sum().backward()
    yes = lambda b: "true" if b else "false"
    c = {
        "kind": kind, "name": name,
        "settings": {
            "units": [str(net.hidden_size)], "layers": [str(net.num_layers)], "bidirectional": [yes(net.bidirectional)],
            "return": ["last" if last else "sequence"], "bias": [yes(net.bias)], **(settings or {}),
        },
        "batch": n, "in": [[t, features]], "x": [flat(x)],
        "params": {k: flat(v) for k, v in net.named_parameters()}, "state": {},
        "out_shape": list(y.shape[1:]), "out": flat(y), "out_eval": flat(y), "dout": flat(dout), "dx": [flat(x.grad)],
        "dparams": {k: flat(v.grad) for k, v in net.named_parameters()}, "state_after": {},
    }
    if lens is not None:
        c["lens"] = [lens]
    return c


def cases(kind, make, settings=None):
    rows = [
        # name, batch, steps, features, units, layers, both ends, bias, last, lengths
        ("plain", 2, 5, 4, 3, 1, False, True, False, None),
        ("one step", 3, 1, 2, 4, 1, False, True, False, None),
        ("stacked", 2, 4, 3, 5, 2, False, True, False, None),
        ("both ends", 2, 4, 3, 4, 1, True, True, False, None),
        ("without bias", 2, 3, 4, 3, 1, False, False, False, None),
        ("last", 3, 4, 2, 3, 1, False, True, True, None),
        ("lengths", 4, 5, 2, 3, 1, False, True, False, [3, 5, 1, 4]),
        ("both ends, lengths", 3, 5, 2, 3, 1, True, True, False, [2, 5, 4]),
        ("both ends, stacked, lengths, last", 3, 4, 2, 3, 2, True, True, True, [2, 3, 1]),
        ("nine units", 2, 2, 3, 9, 1, False, True, False, None),
    ]
    return [
        case(kind, name, make(features, units, layers, bias=bias, batch_first=True, bidirectional=both), n, t, features, last, lens, settings)
        for name, n, t, features, units, layers, both, bias, last, lens in rows
    ]


def main(folder):
    rnn = cases("rnn", torch.nn.RNN, {"activation": ["tanh"]})
    relu = lambda *sizes, **how: torch.nn.RNN(*sizes, nonlinearity="relu", **how)
    rnn += [dict(c, name="relu, " + c["name"]) for c in cases("rnn", relu, {"activation": ["relu"]})[:7:2]]
    files = {"rnn": rnn, "lstm": cases("lstm", torch.nn.LSTM), "gru": cases("gru", torch.nn.GRU)}
    for name, rows in files.items():
        with open(os.path.join(folder, name + ".json"), "w") as f:
            f.write("[\n" + ",\n".join(json.dumps(c, separators=(",", ":")) for c in rows) + "\n]\n")


main(sys.argv[1])
