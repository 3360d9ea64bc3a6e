#!/usr/bin/env python3
"""Teaches the backbone of the recogniser to compute in 8 bits, on two cores in a quarter of an hour.

    RECTO_DATA=../shared/data models/.venv/bin/python models/eight.py [net.onnx] [--kept]

Starts from .work/tuned.onnx, or the net that is named, and writes .work/eight.onnx and, in .work/eight.json, the ranges
of its tensors, from which make.py makes the shipped model. The net falls into units, each a depthwise convolution and
what follows it up to the next. One after the other is trained alone and with its rounding to give what the net in float
has after it, from what the rounded net has before it (block reconstruction: Li et al., "BRECQ", ICLR 2021), so that each
also mends what those before it have changed. The neck stays as it is: trained to give the same posteriors after the
rounded backbone, it does better on the lines it is worst at and worse on all others.
"""
import collections
import json
import math
import random
import sys

import numpy as np
import torch

import net
import quantise
import render
import rounding
import train
import truth

AREA = 3200    # pixels of width of a batch
STEPS = 600    # of training a unit
RATE = 5e-4    # at the most
HELD = 20      # one batch in so many is only measured on


def sample(charset):
    """Lines of the training vendors, a quarter of them as scanned another time, and rendered ones; in batches of one width."""
    r, n = random.Random(5), np.random.default_rng(5)
    receipts, _ = train.real("receipts", "sroie", 0.4, charset)
    forms, _ = train.real("forms", "vrdu_adbuy", 0.3, charset)
    real = [image for image, _ in r.sample(receipts, 1600) + r.sample(forms, 500)]
    drawn = render.Lines(77, set(charset.text))
    images = [i if k % 4 else train.vary(i, r, n) for k, i in enumerate(real)] + [drawn()[0] for _ in range(1000)]
    by_width = collections.defaultdict(list)
    for i in map(train.fitted, images):
        if i.shape[1] <= train.WIDEST:
            by_width[i.shape[1]].append(i)
    batches = []
    for w, same in by_width.items():
        r.shuffle(same)
        size = max(1, AREA // w)
        batches += [train.tensor(same[k:k + size]) for k in range(0, len(same), size)]
    r.shuffle(batches)
    return batches


def units(full):
    """The net in units, the last of them the neck: cut before each depthwise convolution whose input is all that is needed from there on."""
    last = {x: i for i, n in enumerate(full.nodes) for x in n.input}
    end, cuts = len(full.whole.nodes), [0]
    for i, n in enumerate(full.nodes[1:end], 1):
        needed = [x for m in full.nodes[:i] for x in m.output if last.get(x, 0) >= i]
        if needed == [n.input[0]] and (full.attributes[i].get("group", 1) > 1 or n.op_type == "AveragePool"):
            cuts.append(i)
    return [net.Unit(full, a, b) for a, b in zip(cuts, [*cuts[1:], end])]


def tops(parts, weights, eight, batches):
    """The utmost value of each channel of the tensors that are to be rounded, as the mean of batches."""
    out = collections.defaultdict(list)
    for x in batches:
        for unit in parts:
            values = unit(x, weights)
            for k in eight.tensors & values.keys() - {unit.given}:
                out[k].append(values[k].abs().amax((0, 2, 3)))
            x = values[unit.made]
    return {k: torch.stack(v).mean(0) for k, v in out.items()}


@torch.no_grad()
def teach(source, target, batches):
    """Runs the net in float and the rounded one side by side, unit by unit."""
    full = net.Net(source)
    weights = {k: full.parameter(k).detach().clone() for k in full.names}
    eight = rounding.Rounding(full, quantise.rounded(full.model.graph))
    backbone = units(full)[:-1]
    weights = rounding.equalise(full.nodes, weights, tops(backbone, weights, eight, batches[::HELD]), eight)
    ours, wanted, given = dict(weights), batches, [eight(full.input, x) for x in batches]
    for unit in backbone:
        wanted = [unit(x, weights)[unit.made] for x in wanted]
        for n in unit.nodes:
            n.op_type = "QuickGelu" if n.op_type == "Gelu" else n.op_type
        eight.learn(lambda x=x: unit(x, ours, eight) for x in given[::3])
        fit(unit, ours, eight, given, wanted)
        given = [unit(x, ours, eight)[unit.made] for x in given]
    full.save(target, {full.names[k]: v for k, v in ours.items()})
    target.with_suffix(".json").write_text(json.dumps(eight.ranges))


def missed(got, wanted):
    """Share of the variance."""
    return ((got - wanted) ** 2).sum() / (wanted - wanted.mean((0, 2, 3), keepdim=True)).square().sum()


@torch.enable_grad()
def fit(unit, ours, eight, given, wanted):
    """Trains a unit alone to give what is wanted of it."""
    weights = {k: torch.nn.Parameter(ours[k].clone()) for k in unit.names}

    def at(k):
        return missed(unit(given[k], weights, eight)[unit.made], wanted[k])

    def held():
        with torch.no_grad():
            return np.mean([at(k).item() for k in range(0, len(given), HELD)])

    optimiser, before, order = torch.optim.Adam(weights.values(), betas=(0.9, 0.98)), held(), []
    for k in range(STEPS):
        optimiser.param_groups[0]["lr"] = RATE * min(1, (k + 1) / 20) * (0.5 + 0.49 * math.cos(math.pi * k / STEPS))
        if not order:
            order = [i for i in torch.randperm(len(given)).tolist() if i % HELD]
        loss = at(order.pop())
        optimiser.zero_grad(set_to_none=True)
        loss.backward()
        optimiser.step()
    print(f"{unit.made}: {before:.4f} lost, {held():.4f} after", flush=True)
    ours.update((k, w.detach()) for k, w in weights.items())


def main():
    torch.manual_seed(1)
    truth.export_all()
    source = next((a for a in sys.argv[1:] if not a.startswith("-")), truth.WORK / "tuned.onnx")
    teach(source, truth.WORK / "eight.onnx", sample(train.charset()))


if __name__ == "__main__":
    main()
