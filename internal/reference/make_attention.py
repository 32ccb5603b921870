"""Writes the PyTorch reference numbers of attention and positions.

    python3 internal/reference/make_attention.py layers/testdata

nn.MultiheadAttention's own function where it has the feature; grouped queries,
rotary positions and free widths are written out. See make_reference.py for the
form of a case; "lens" are the lengths of padded inputs.
"""

import json
import math
import os
import sys

import torch
import torch.nn.functional as F

from make_reference import case

INF = float("-inf")


def word(v):
    return ["true" if v is True else "false" if v is False else str(v)]


def padding(lens, tk):
    """True where a key is not to be seen."""
    return torch.arange(tk)[None, :] >= torch.tensor(lens)[:, None]


def torch_attention(xs, w, heads, causal=False, lens=None, mask=False):
    """nn.MultiheadAttention with batch_first=True."""
    x, memory = xs[0], xs[1] if len(xs) > 1 + mask else xs[0]
    n, tq, f = x.shape
    tk = memory.shape[1]
    m = None
    if causal:
        m = torch.full((tq, tk), INF).triu(1)
    if mask:  # one a sample, the same for all heads
        m = xs[-1].repeat_interleave(heads, 0)
    hide = None if lens is None else padding(lens, tk)
    separate = "q_proj_weight" in w
    y, _ = F.multi_head_attention_forward(
        x.transpose(0, 1), memory.transpose(0, 1), memory.transpose(0, 1), f, heads,
        None if separate else w["in_proj_weight"], w.get("in_proj_bias"), None, None, False, 0.0,
        w["out_proj.weight"], w.get("out_proj.bias"), training=True, key_padding_mask=hide, need_weights=False, attn_mask=m,
        use_separate_proj_weight=separate, q_proj_weight=w.get("q_proj_weight"), k_proj_weight=w.get("k_proj_weight"),
        v_proj_weight=w.get("v_proj_weight"))
    return y.transpose(0, 1)


def rotate(x):
    """x is n, heads, t, d; pairs of neighbours turn by t·10000^(−2i/d)."""
    t, d = x.shape[-2:]
    a = torch.arange(t)[:, None] * 10000.0 ** (-torch.arange(0, d, 2) / d)[None, :]
    u, v = x[..., 0::2], x[..., 1::2]
    return torch.stack((u * a.cos() - v * a.sin(), u * a.sin() + v * a.cos()), -1).flatten(-2)


def dot(q, k, v, causal=False, lens=None):
    s = q @ k.transpose(-1, -2) / math.sqrt(q.shape[-1])
    if causal:
        s = s + torch.full(s.shape[-2:], INF).triu(1)
    if lens is not None:
        s = s.masked_fill(padding(lens, k.shape[-2])[:, None, None, :], INF)
    return s.softmax(-1) @ v


def own_attention(xs, w, heads, kv, width, causal=False, rotary=False):
    x, memory = xs[0], xs[-1]
    d = width // heads
    if "q_proj_weight" in w:
        wq, wk, wv = w["q_proj_weight"], w["k_proj_weight"], w["v_proj_weight"]
    else:
        wq, wk, wv = w["in_proj_weight"].split([width, kv * d, kv * d])
    b = w.get("in_proj_bias")
    bq, bk, bv = (None, None, None) if b is None else b.split([width, kv * d, kv * d])

    def cut(y, h):
        return y.reshape(y.shape[0], y.shape[1], h, d).transpose(1, 2)

    q, k, v = cut(F.linear(x, wq, bq), heads), cut(F.linear(memory, wk, bk), kv), cut(F.linear(memory, wv, bv), kv)
    if rotary:
        q, k = rotate(q), rotate(k)
    k, v = k.repeat_interleave(heads // kv, 1), v.repeat_interleave(heads // kv, 1)
    y = dot(q, k, v, causal).transpose(1, 2).flatten(2)
    return F.linear(y, w["out_proj.weight"], w.get("out_proj.bias"))


def attention_cases():
    rows = [
        # name, inputs, heads, kv, width, causal, bias, rotary, mask, lens of the keys
        ("two heads", [(5, 6)], 2, 2, 6, False, True, False, False, None),
        ("one head", [(4, 6)], 1, 1, 6, False, True, False, False, None),
        ("heads of one", [(3, 4)], 4, 4, 4, False, True, False, False, None),
        ("without bias", [(5, 6)], 3, 3, 6, False, False, False, False, None),
        ("one step", [(1, 4)], 2, 2, 4, False, True, False, False, None),
        ("causal", [(6, 4)], 2, 2, 4, True, True, False, False, None),
        ("causal, one step", [(1, 4)], 2, 2, 4, True, True, False, False, None),
        ("causal, long", [(37, 2)], 2, 2, 2, True, True, False, False, None),
        ("causal, longer than a block", [(131, 2)], 1, 1, 2, True, True, False, False, None),
        ("padded", [(6, 4)], 2, 2, 4, False, True, False, False, [4, 6, 1]),
        ("padded and causal", [(6, 4)], 2, 2, 4, True, True, False, False, [6, 3, 2]),
        ("mask", [(5, 4), (5, 5)], 2, 2, 4, False, True, False, True, None),
        ("cross", [(4, 8), (6, 8)], 2, 2, 8, False, True, False, False, None),
        ("cross without bias", [(5, 4), (2, 4)], 4, 4, 4, False, False, False, False, None),
        ("cross, another width", [(4, 6), (5, 3)], 2, 2, 6, False, True, False, False, None),
        ("cross, another width, without bias", [(3, 4), (5, 7)], 1, 1, 4, False, False, False, False, None),
        ("cross, padded", [(4, 4), (5, 4)], 2, 2, 4, False, True, False, False, [5, 2, 3]),
        ("cross, mask", [(3, 4), (5, 4), (3, 5)], 2, 2, 4, False, True, False, True, None),
        ("grouped", [(5, 8)], 4, 2, 8, False, True, False, False, None),
        ("grouped to one, causal", [(6, 8)], 4, 1, 8, True, False, False, False, None),
        ("grouped, cross, another width", [(3, 4), (4, 6)], 2, 1, 4, False, True, False, False, None),
        ("wider than its input", [(4, 3)], 2, 2, 8, False, True, False, False, None),
        ("rotary", [(6, 8)], 2, 2, 8, False, True, True, False, None),
        ("rotary, grouped, causal", [(7, 8)], 4, 2, 8, True, True, True, False, None),
    ]
    out = []
    for name, ins, heads, kv, width, causal, bias, rotary, mask, lens in rows:
        f, m = ins[0][1], ins[1][1] if len(ins) > 1 + mask else ins[0][1]
        k = width // heads * kv
        if f == m:
            params = {"in_proj_weight": torch.randn(width + 2 * k, f) * 0.5}
        else:
            params = {"q_proj_weight": torch.randn(width, f) * 0.5, "k_proj_weight": torch.randn(k, m) * 0.5,
                      "v_proj_weight": torch.randn(k, m) * 0.5}
        params["out_proj.weight"] = torch.randn(width, width) * 0.5
        if bias:
            params["in_proj_bias"] = torch.randn(width + 2 * k) * 0.5
            params["out_proj.bias"] = torch.randn(width) * 0.5
        settings = {"heads": word(heads), "causal": word(causal), "bias": word(bias), "rotary": word(rotary), "mask": word(mask)}
        if kv != heads:
            settings["kv_heads"] = word(kv)
        if width != f:
            settings["width"] = word(width)
        if kv == heads and width == f and not rotary:
            def fn(x, w, _, heads=heads, causal=causal, lens=lens, mask=mask):
                return torch_attention(x, w, heads, causal, lens, mask)
        else:
            def fn(x, w, _, heads=heads, kv=kv, width=width, causal=causal, rotary=rotary):
                return own_attention(x, w, heads, kv, width, causal, rotary)
        n = 1 if ins[0][0] > 100 else 3 if lens else 2
        c = case("attention", name, settings, [torch.randn(n, *s) for s in ins], fn, params)
        if lens:
            c["lens"] = [lens] if len(ins) == 1 else [None, lens]
        out.append(c)
    return out


def dot_cases():
    rows = [
        ("one head", [(4, 3), (5, 3), (5, 2)], 1, False, None),
        ("two heads", [(4, 4), (6, 4), (6, 8)], 2, False, None),
        ("causal", [(6, 4), (6, 4), (6, 4)], 2, True, None),
        ("one step", [(1, 2), (1, 2), (1, 3)], 1, False, None),
        ("padded", [(3, 4), (5, 4), (5, 4)], 4, False, [5, 1, 3]),
    ]
    out = []
    for name, ins, heads, causal, lens in rows:
        def fn(x, *_, heads=heads, causal=causal, lens=lens):
            q, k, v = (y.reshape(y.shape[0], y.shape[1], heads, -1).transpose(1, 2) for y in x)
            return dot(q, k, v, causal, lens).transpose(1, 2).flatten(2)

        c = case("dotattention", name, {"heads": word(heads), "causal": word(causal)},
                 [torch.randn(3 if lens else 2, *s) for s in ins], fn)
        if lens:
            c["lens"] = [None, lens, lens]
        out.append(c)
    return out


def position_cases():
    def waves(x, *_):
        t, f = x[0].shape[1:]
        a = torch.arange(t)[:, None] * 10000.0 ** (-torch.arange(0, f, 2) / f)[None, :]
        return x[0] + torch.stack((a.sin(), a.cos()), -1).flatten(1)[:, :f]

    out = [case("position", "waves", {"kind": ["sinusoidal"]}, [torch.randn(2, 9, 6)], waves),
           case("position", "waves, odd width", {"kind": ["sinusoidal"]}, [torch.randn(2, 4, 5)], waves)]
    for name, length, t, f in [("learned", 6, 6, 4), ("learned, longer than the sequence", 9, 4, 3)]:
        out.append(case("position", name, {"kind": ["learned"], "length": word(length)}, [torch.randn(3, t, f)],
                        lambda x, w, _, t=t: x[0] + F.embedding(torch.arange(t), w["weight"]), {"weight": torch.randn(length, f)}))
    return out


def main(folder):
    torch.manual_seed(23)
    cases = attention_cases()
    files = {"attention_self": cases[:12], "attention_cross": cases[12:18], "attention_more": cases[18:],
             "dotattention": dot_cases(), "position": position_cases()}
    for name, cases in files.items():
        with open(os.path.join(folder, name + ".json"), "w") as f:
            f.write("[\n" + ",\n".join(json.dumps(c, separators=(",", ":")) for c in cases) + "\n]\n")


main(sys.argv[1])
