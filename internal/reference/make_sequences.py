"""Writes the PyTorch reference numbers of tied scores, pools to a set length over
time, and batch norm that keeps the mean over all batches.

    python3 internal/reference/make_sequences.py layers/testdata

See make_reference.py for the form of a case.
"""

import json
import os
import sys

import torch
import torch.nn as nn
import torch.nn.functional as F

from make_reference import case


def unembedding_cases():
    out = []
    for name, n, ins, tokens in [("vectors", 4, (7,), 5), ("sequences", 2, (3, 6), 11), ("one token", 3, (4,), 1), ("wide", 2, (2, 33), 17)]:
        out.append(case("unembedding", name, {"tokens": [str(tokens)]}, [torch.randn(n, *ins)],
                        lambda x, w, _: x[0] @ w["weight"].t(), {"weight": torch.randn(tokens, ins[-1]) * 0.4}))
    return out


def adaptive_cases():
    out = []
    for name, ins, size in [("even", (6, 3), 2), ("pieces of two lengths", (7, 4), 3), ("longer than the sequence", (2, 5), 5), ("one step", (5, 9), 1)]:
        for take, fn in [("mean", F.adaptive_avg_pool1d), ("max", F.adaptive_max_pool1d)]:
            out.append(case("adaptivepool1d", take + ", " + name, {"take": [take], "size": [str(size)]}, [torch.randn(2, *ins)],
                            lambda x, *_, fn=fn, size=size: fn(x[0].transpose(1, 2), size).transpose(1, 2)))
    return out


def cumulative_cases():
    out = []
    for name, n, ins, seen in [("first batch", 4, (5,), 0), ("third batch", 3, (2, 3, 4), 2), ("tenth batch, sequences", 2, (4, 3), 9)]:
        sequence = len(ins) == 2
        c = ins[-1] if sequence else ins[0]
        turn = (lambda t: t.transpose(1, 2)) if sequence else (lambda t: t)
        norm = {1: nn.BatchNorm1d, 2: nn.BatchNorm1d, 3: nn.BatchNorm2d}[len(ins)](c, momentum=None)

        def run(x, w, st, norm=norm, turn=turn):
            # the module's own counting, with the case's tensors in the place of its own
            for k, v in st.items():
                getattr(norm, k).data.copy_(v.reshape(getattr(norm, k).shape))
            norm._parameters["weight"], norm._parameters["bias"] = w["weight"], w["bias"]
            y = turn(norm(turn(x[0])))
            if norm.training:
                for k in st:
                    st[k].copy_(getattr(norm, k).reshape(st[k].shape))
            return y

        def answers(x, w, st, norm=norm, run=run):
            norm.eval()
            return run(x, w, st)

        out.append(case("batchnorm", "cumulative, " + name, {"cumulative": ["true"]}, [torch.randn(n, *ins) * 2 + 1], run,
                        {"weight": torch.randn(c) + 1, "bias": torch.randn(c)},
                        {"running_mean": torch.randn(c), "running_var": torch.rand(c) + 0.5, "num_batches_tracked": torch.tensor([float(seen)])}, answers))
    return out


def main(folder):
    for seed, name, cases in [(31, "unembedding", unembedding_cases), (32, "adaptivepool1d", adaptive_cases), (33, "batchnorm_cumulative", cumulative_cases)]:
        torch.manual_seed(seed)
        with open(os.path.join(folder, name + ".json"), "w") as f:
            f.write("[\n" + ",\n".join(json.dumps(c, separators=(",", ":")) for c in cases()) + "\n]\n")


main(sys.argv[1])
