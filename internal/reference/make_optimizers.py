"""Writes the PyTorch reference numbers that train's tests read.

    python3 internal/reference/make_optimizers.py train/testdata/optimizers.json

A list of cases: an optimizer with its settings as network files write them,
first weights, the gradient of each step, and the weights after each step.
Beside them the losses: scores, labels, loss and gradient. Needs PyTorch 1.13
or newer, on the CPU.
"""

import json
import sys

import torch
import torch.nn.functional as F

torch.manual_seed(4)
torch.set_num_threads(1)


def flat(t):
    return [float("%.9g" % v) for v in t.detach().reshape(-1).tolist()]


def steps(kind, settings, make, clip=0.0):
    w = torch.nn.Parameter(torch.randn(7))
    first, grads, after = flat(w), [], []
    opt = make([w])
    for k in range(6):
        g = torch.randn(7) * (3.0 if k == 2 else 0.5)
        grads.append(flat(g))
        w.grad = g.clone()
        if clip:
            torch.nn.utils.clip_grad_norm_([w], clip)
        opt.step()
        after.append(flat(w))
    return {"kind": kind, "settings": settings, "clip": clip, "first": first, "grads": grads, "after": after}


SGD, Adam, AdamW = torch.optim.SGD, torch.optim.Adam, torch.optim.AdamW
optimizers = [
    steps("sgd", {"lr": 0.1, "momentum": 0}, lambda p: SGD(p, 0.1)),
    steps("sgd", {"lr": 0.1, "momentum": 0.9}, lambda p: SGD(p, 0.1, momentum=0.9)),
    steps("sgd", {"lr": 0.05, "momentum": 0.8, "nesterov": True, "weight_decay": 0.1},
          lambda p: SGD(p, 0.05, momentum=0.8, nesterov=True, weight_decay=0.1)),
    steps("sgd", {"lr": 0.1, "momentum": 0, "weight_decay": 0.2}, lambda p: SGD(p, 0.1, weight_decay=0.2)),
    steps("sgd", {"lr": 0.1, "momentum": 0.9}, lambda p: SGD(p, 0.1, momentum=0.9), clip=1.0),
    steps("adam", {"lr": 0.01}, lambda p: Adam(p, 0.01)),
    steps("adam", {"lr": 0.02, "beta1": 0.8, "beta2": 0.95, "eps": 1e-6, "weight_decay": 0.1},
          lambda p: Adam(p, 0.02, betas=(0.8, 0.95), eps=1e-6, weight_decay=0.1)),
    steps("adamw", {"lr": 0.01}, lambda p: AdamW(p, 0.01)),
    steps("adamw", {"lr": 0.03, "weight_decay": 0.3}, lambda p: AdamW(p, 0.03, weight_decay=0.3)),
]

losses = []
for smoothing in (0.0, 0.1):
    z = (torch.randn(5, 4) * 2).requires_grad_(True)
    labels = torch.tensor([1, 3, -100, 0, 2])
    loss = F.cross_entropy(z, labels, label_smoothing=smoothing)
    loss.backward()
    losses.append({"kind": "cross_entropy", "smoothing": smoothing, "out": flat(z), "labels": [max(v, -1) for v in labels.tolist()],
                   "loss": float(loss), "grad": flat(z.grad)})
y = torch.randn(3, 2).requires_grad_(True)
t = torch.randn(3, 2)
loss = F.mse_loss(y, t)
loss.backward()
losses.append({"kind": "mse", "out": flat(y), "targets": flat(t), "loss": float(loss), "grad": flat(y.grad)})



def add(kind, settings, out, loss, labels=None, targets=None):
    loss.backward()
    losses.append({"kind": kind, "settings": settings, "out": flat(out), "labels": labels, "targets": None if targets is None else flat(targets),
                   "loss": float(loss), "grad": flat(out.grad)})


def scores(*shape):
    return (torch.randn(*shape) * 2).requires_grad_(True)


weights = [0.5, 2.0, 0.0, 1.25]
for smoothing in (0.0, 0.2):
    z = scores(5, 4)
    labels = [1, 3, -100, 0, 2]
    add("cross_entropy", {"smoothing": smoothing, "weights": weights}, z,
        F.cross_entropy(z, torch.tensor(labels), weight=torch.tensor(weights), label_smoothing=smoothing), [max(v, -1) for v in labels])
z = scores(5, 4)
labels = [1, 3, 3, 0, 2]
add("cross_entropy", {"ignore": 3}, z, F.cross_entropy(z, torch.tensor(labels), ignore_index=3), labels)
z, t = scores(3, 4), (torch.rand(3, 4) > 0.5).float()
add("binary_cross_entropy", {}, z, F.binary_cross_entropy_with_logits(z, t), None, t)
z = scores(6, 1)
labels = [0, 1, 1, 0, 0, 1]
add("binary_cross_entropy", {}, z, F.binary_cross_entropy_with_logits(z[:, 0], torch.tensor(labels).float()), labels)
y, t = scores(3, 4), torch.randn(3, 4)
add("mae", {}, y, F.l1_loss(y, t), None, t)
for delta in (1.0, 0.3):
    y, t = scores(3, 4), torch.randn(3, 4)
    add("huber", {"delta": delta}, y, F.huber_loss(y, t, delta=delta), None, t)
z, t = scores(3, 4), torch.softmax(torch.randn(3, 4), -1)
t[1] = torch.tensor([0.0, 0.5, 0.5, 0.0])
add("kl", {}, z, F.kl_div(F.log_softmax(z, -1), t, reduction="batchmean"), None, t)

y, t = scores(3, 4), torch.randn(3, 4)
add("reconstruction", {}, y, F.mse_loss(y, t), None, t)

with open(sys.argv[1], "w") as f:
    json.dump({"optimizers": optimizers, "losses": losses}, f, indent=1)
    f.write("\n")
