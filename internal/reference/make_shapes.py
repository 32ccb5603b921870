"""Writes the PyTorch reference numbers of the layers that pool, slide over time,
enlarge and rearrange.

    python3 internal/reference/make_shapes.py layers/testdata

See make_reference.py for the form of a case.
"""

import json
import os
import sys

import torch
import torch.nn.functional as F

from make_reference import case


def words(*v):
    return [{True: "true", False: "false"}.get(x, str(x)) if isinstance(x, bool) else str(x) for x in v]


def over_time(fn):
    """fn works on N×F×T, as PyTorch's layers over one axis do; sequences are N×T×F."""
    return lambda x: fn(x.transpose(1, 2)).transpose(1, 2)


def pool_cases():
    out = []
    for name, ins, k, s, p, ceil in [
        ("3x3 stride 2", (3, 6, 6), (3, 3), (2, 2), (0, 0), True),
        ("2x2 odd image", (2, 5, 7), (2, 2), (2, 2), (0, 0), True),
        ("3x2 stride 3 pad 1", (2, 6, 5), (3, 2), (3, 2), (1, 1), True),
        ("window beyond the padding", (1, 4, 4), (2, 2), (3, 3), (1, 1), True),
    ]:
        base = {"kernel": words(*k), "stride": words(*s), "padding": words(*p), "ceil": words(ceil)}
        out.append(case("maxpool", "rounded up, " + name, base, [torch.randn(2, *ins)],
                        lambda x, *_, k=k, s=s, p=p: F.max_pool2d(x[0], k, s, p, ceil_mode=True)))
        for count in (True, False):
            out.append(case(
                "avgpool", "rounded up, " + name + (" counted" if count else ""), dict(base, count_pad=words(count)), [torch.randn(2, *ins)],
                lambda x, *_, k=k, s=s, p=p, c=count: F.avg_pool2d(x[0], k, s, p, ceil_mode=True, count_include_pad=c)))
    for name, ins, size in [
        ("even", (3, 4, 6), (2, 3)), ("windows of two sizes", (2, 7, 5), (3, 2)), ("larger than the image", (2, 2, 3), (5, 4)), ("one", (4, 3, 5), (1, 1)),
    ]:
        out.append(case("adaptiveavgpool", name, {"size": words(*size)}, [torch.randn(2, *ins)],
                        lambda x, *_, size=size: F.adaptive_avg_pool2d(x[0], size)))
        out.append(case("adaptivemaxpool", name, {"size": words(*size)}, [torch.randn(2, *ins)],
                        lambda x, *_, size=size: F.adaptive_max_pool2d(x[0], size)))
    out.append(case("globalmaxpool", "images", {}, [torch.randn(3, 5, 4, 3)], lambda x, *_: F.adaptive_max_pool2d(x[0], 1).flatten(1)))
    out.append(case("globalmaxpool", "sequences", {}, [torch.randn(3, 5, 4)], lambda x, *_: x[0].max(1).values))
    for name, ins, k, s, p, ceil in [
        ("halves", (6, 3), 2, 2, 0, False), ("3 stride 2 pad 1", (7, 5), 3, 2, 1, False), ("rounded up", (6, 4), 3, 2, 0, True), ("stride 1", (4, 9), 3, 1, 1, False),
    ]:
        base = {"kernel": words(k), "stride": words(s), "padding": words(p), "ceil": words(ceil)}
        out.append(case("pool1d", "max, " + name, dict(base, take=["max"]), [torch.randn(2, *ins)],
                        lambda x, *_, k=k, s=s, p=p, c=ceil: over_time(lambda v: F.max_pool1d(v, k, s, p, ceil_mode=c))(x[0])))
        for count in (True, False):
            out.append(case("pool1d", "mean, " + name + (" counted" if count else ""), dict(base, take=["mean"], count_pad=words(count)), [torch.randn(2, *ins)],
                            lambda x, *_, k=k, s=s, p=p, c=ceil, n=count:
                            over_time(lambda v: F.avg_pool1d(v, k, s, p, ceil_mode=c, count_include_pad=n))(x[0])))
    for take, fn in [("last", lambda x: x[:, -1]), ("mean", lambda x: x.mean(1)), ("max", lambda x: x.max(1).values), ("first", lambda x: x[:, 0])]:
        out.append(case("timepool", take, {"take": [take]}, [torch.randn(3, 5, 4)], lambda x, *_, fn=fn: fn(x[0])))
    return out


def conv2d_cases():
    """What make_reference.py's cases of conv2d leave out: settings in pairs."""
    out = []
    for name, n, ins, f, k, s, p, d, g in [
        # name, batch, in, filters, kernel, stride, padding (top, bottom, left, right), dilation, groups
        ("four paddings, stride 2x3", 1, (2, 5, 6), 3, (3, 2), (2, 3), (2, 0, 1, 3), (1, 1), 1),
        ("dilation 1x3 in groups", 1, (4, 3, 7), 4, (2, 3), (1, 1), (1, 1, 0, 0), (1, 3), 2),
        ("dilation 2 with stride 2", 1, (2, 6, 7), 3, (3, 3), (2, 2), (2, 2, 2, 2), (2, 2), 1),
        ("depthwise, dilated", 1, (3, 5, 5), 3, (3, 3), (1, 1), (2, 2, 2, 2), (2, 2), 3),
        ("depthwise, four paddings", 1, (9, 4, 5), 9, (3, 2), (1, 2), (0, 2, 1, 0), (1, 1), 9),
        ("depthwise 5x5 stride 2", 1, (3, 7, 6), 3, (5, 5), (2, 2), (2, 2, 2, 2), (1, 1), 3),
        ("depthwise times three, stride 2", 1, (2, 5, 5), 6, (3, 3), (2, 2), (1, 1, 1, 1), (1, 1), 2),
        ("groups of one filter", 2, (6, 3, 3), 2, (2, 2), (1, 1), (0, 0, 0, 0), (1, 1), 2),
        ("1x1 in groups", 2, (6, 3, 3), 9, (1, 1), (1, 1), (0, 0, 0, 0), (1, 1), 3),
        ("padding beyond the kernel", 1, (2, 2, 3), 2, (2, 2), (1, 1), (3, 2, 2, 3), (1, 1), 1),
        ("patches", 1, (2, 8, 8), 3, (4, 4), (4, 4), (0, 0, 0, 0), (1, 1), 1),
        ("1x7", 1, (4, 2, 9), 5, (1, 7), (1, 1), (0, 0, 3, 3), (1, 1), 1),
    ]:
        params = {"weight": torch.randn(f, ins[0] // g, *k) * 0.3, "bias": torch.randn(f) * 0.3}
        settings = {
            "filters": words(f), "kernel": words(*k), "stride": words(*s), "padding": words(*p), "dilation": words(*d), "groups": words(g), "bias": ["true"],
        }
        out.append(case("conv2d", name, settings, [torch.randn(n, *ins)], lambda x, w, _, p=p, s=s, d=d, g=g: F.conv2d(
            F.pad(x[0], (p[2], p[3], p[0], p[1])), w["weight"], w["bias"], stride=s, dilation=d, groups=g), params))
    return out


def conv1d_cases():
    out = []
    for name, n, ins, f, k, s, pad, d, g, bias in [
        # name, batch, in, filters, kernel, stride, padding, dilation, groups, bias
        ("3 same", 2, (5, 2), 3, 3, 1, "same", 1, 1, True),
        ("4 same", 2, (5, 3), 2, 4, 1, "same", 1, 1, True),
        ("stride 2 pad 1", 2, (7, 4), 5, 3, 2, (1, 1), 1, 1, True),
        ("valid", 2, (6, 3), 4, 5, 1, (0, 0), 1, 1, False),
        ("causal", 2, (6, 3), 4, 3, 1, "causal", 1, 1, True),
        ("causal dilation 2", 2, (7, 2), 3, 2, 1, "causal", 2, 1, True),
        ("dilation 3", 1, (9, 2), 3, 3, 1, "same", 3, 1, True),
        ("two sides", 2, (5, 3), 2, 3, 2, (2, 0), 1, 1, True),
        ("two groups", 2, (5, 4), 6, 3, 1, "same", 1, 2, True),
        ("depthwise", 2, (6, 5), 5, 3, 1, "same", 1, 5, True),
        ("1", 2, (4, 3), 5, 1, 1, (0, 0), 1, 1, True),
        ("one step", 2, (1, 3), 2, 3, 1, "causal", 1, 1, True),
        ("wide", 1, (9, 17), 18, 3, 1, "same", 1, 1, False),
    ]:
        span = (k - 1) * d
        p, word = {"same": ((span // 2, span - span // 2), ["same"]), "causal": ((span, 0), ["causal"])}.get(pad, (pad, words(*pad)))
        params = {"weight": torch.randn(f, ins[1] // g, k) * 0.4}
        if bias:
            params["bias"] = torch.randn(f)
        settings = {"filters": words(f), "kernel": words(k), "stride": words(s), "padding": word, "dilation": words(d), "groups": words(g), "bias": words(bias)}
        out.append(case("conv1d", name, settings, [torch.randn(n, *ins)], lambda x, w, _, p=p, s=s, d=d, g=g: over_time(
            lambda v: F.conv1d(F.pad(v, p), w["weight"], w.get("bias"), stride=s, dilation=d, groups=g))(x[0]), params))
    return out


def conv_transpose_cases():
    out = []
    for name, n, ins, f, k, s, p, more, d, g, bias, word in [
        # name, batch, in, filters, kernel, stride, padding, output padding, dilation, groups, bias, padding as written
        ("2x2 stride 2", 2, (3, 3, 2), 4, (2, 2), (2, 2), (0, 0), (0, 0), (1, 1), 1, True, None),
        ("4x4 stride 2 pad 1", 1, (2, 3, 4), 3, (4, 4), (2, 2), (1, 1), (0, 0), (1, 1), 1, True, None),
        ("4x4 stride 2 same", 1, (2, 3, 2), 3, (4, 4), (2, 2), (1, 1), (0, 0), (1, 1), 1, True, "same"),
        ("3x3 stride 2 pad 1 output padding 1", 1, (2, 3, 4), 3, (3, 3), (2, 2), (1, 1), (1, 1), (1, 1), 1, True, None),
        ("3x3 stride 2 same", 2, (2, 3, 3), 2, (3, 3), (2, 2), (1, 1), (1, 1), (1, 1), 1, False, "same"),
        ("3x3 pad 1", 1, (5, 4, 4), 3, (3, 3), (1, 1), (1, 1), (0, 0), (1, 1), 1, False, None),
        ("stride beyond the kernel", 1, (2, 3, 2), 3, (2, 2), (3, 3), (0, 0), (2, 1), (1, 1), 1, True, None),
        ("rows and columns", 1, (2, 3, 4), 3, (3, 2), (1, 2), (1, 0), (0, 1), (1, 1), 1, True, None),
        ("dilation 2", 1, (2, 3, 4), 3, (3, 3), (2, 1), (1, 2), (1, 1), (2, 2), 1, True, None),
        ("two groups", 1, (4, 3, 3), 6, (3, 3), (2, 2), (1, 1), (0, 0), (1, 1), 2, True, None),
        ("depthwise", 1, (4, 3, 3), 4, (3, 3), (2, 2), (0, 0), (0, 0), (1, 1), 4, True, None),
        ("a vector to an image", 1, (6, 1, 1), 3, (4, 4), (1, 1), (0, 0), (0, 0), (1, 1), 1, False, None),
    ]:
        params = {"weight": torch.randn(ins[0], f // g, *k) * 0.4}
        if bias:
            params["bias"] = torch.randn(f)
        settings = {
            "filters": words(f), "kernel": words(*k), "stride": words(*s), "padding": [word] if word else words(*p),
            "output_padding": words(0) if word else words(*more), "dilation": words(*d), "groups": words(g), "bias": words(bias),
        }
        out.append(case("convtranspose", name, settings, [torch.randn(n, *ins)], lambda x, w, _, s=s, p=p, m=more, d=d, g=g: F.conv_transpose2d(
            x[0], w["weight"], w.get("bias"), stride=s, padding=p, output_padding=m, dilation=d, groups=g), params))
    return out


def rearranging_cases():
    out = []
    for name, ins, order in [
        ("steps and features", (3, 5), (2, 1)), ("as it was", (3, 5), (1, 2)), ("channels last", (3, 2, 4), (2, 3, 1)), ("columns first", (3, 2, 4), (3, 1, 2)),
        ("diagonal", (2, 3, 4), (1, 3, 2)), ("backwards", (2, 3, 4), (3, 2, 1)), ("rows first", (2, 3, 4), (2, 1, 3)),
    ]:
        out.append(case("permute", name, {"order": words(*order)}, [torch.randn(2, *ins)], lambda x, *_, o=order: x[0].permute(0, *o)))
    for axis, ins, lo, hi, fn in [
        ("features", (6,), 1, 4, lambda v: v[:, 1:4]), ("features", (3, 5), -2, "auto", lambda v: v[..., -2:]), ("time", (5, 3), 1, -1, lambda v: v[:, 1:-1]),
        ("channels", (4, 2, 3), 1, 3, lambda v: v[:, 1:3]), ("rows", (2, 4, 3), 2, "auto", lambda v: v[:, :, 2:]), ("columns", (2, 3, 5), 0, -2, lambda v: v[..., :-2]),
    ]:
        out.append(case("slice", "%s %s to %s" % (axis, lo, hi), {"axis": [axis], "start": words(lo), "stop": words(hi)}, [torch.randn(2, *ins)],
                        lambda x, *_, fn=fn: fn(x[0])))
    out.append(case("tokens", "pixels", {}, [torch.randn(2, 3, 2, 4)], lambda x, *_: x[0].flatten(2).transpose(1, 2)))
    for ins in [(3, 4), (1, 5)]:
        out.append(case("classtoken", "%d×%d" % ins, {}, [torch.randn(3, *ins)],
                        lambda x, w, _: torch.cat([w["weight"].expand(x[0].shape[0], 1, -1), x[0]], 1), {"weight": torch.randn(ins[1])}))
    for name, ins, scale in [("twice", (2, 3, 2), (2, 2)), ("rows and columns", (2, 2, 3), (3, 2)), ("one row", (3, 1, 4), (2, 1))]:
        out.append(case("upsample", "bilinear, " + name, {"scale": words(*scale), "mode": ["bilinear"]}, [torch.randn(2, *ins)],
                        lambda x, *_, s=scale: F.interpolate(x[0], scale_factor=s, mode="bilinear", align_corners=False)))
    out.append(case("concat", "along time", {"axis": ["time"]}, [torch.randn(2, 3, 4), torch.randn(2, 1, 4), torch.randn(2, 2, 4)], lambda x, *_: torch.cat(x, 1)))
    for a, b in [((1, 5), (4, 5)), ((3, 9), (3, 9))]:
        out.append(case("dot", "%d against %d" % (a[0], b[0]), {}, [torch.randn(2, *a), torch.randn(2, *b)], lambda x, *_: (x[0] * x[1]).sum(-1)))
    return out


def main(folder):
    torch.manual_seed(22)
    pools = pool_cases()
    files = {"pooling": [c for c in pools if len(c["in"][0]) == 3], "pooling_over_time": [c for c in pools if len(c["in"][0]) == 2]}
    torch.manual_seed(23)
    files["conv1d"] = conv1d_cases()
    torch.manual_seed(24)
    files["convtranspose"] = conv_transpose_cases()
    torch.manual_seed(25)
    files["rearranging"] = rearranging_cases()
    torch.manual_seed(26)
    files["conv2d_more"] = conv2d_cases()
    for name, cases in files.items():
        with open(os.path.join(folder, name + ".json"), "w") as f:
            f.write("[\n" + ",\n".join(json.dumps(c, separators=(",", ":")) for c in cases) + "\n]\n")


main(sys.argv[1])
