#!/usr/bin/env python3
"""Takes from the recogniser the hidden channels that it can best do without, and teaches the others.

    RECTO_DATA=../shared/data models/.venv/bin/python models/slim.py [--kept]

Starts from the shipped 8-bit net and writes .work/slim.onnx and, in .work/slim.json, the ranges of its activations
in 8 bits, both for quantise. Each block of the net widens, applies GELU and narrows again: two convolutions of 1×1
with the hidden channels between them. One by one the channel goes whose loss, mended as well as the others can
by least squares, changes the block's output least (optimal brain surgeon: Hassibi and Stork, NIPS 1992, with
whole columns of the second convolution as weights), until LOSS of the output's variance is lost. Then the block is
trained alone, place by place and with its rounding, to give what the full net has after it (block reconstruction:
Li et al., "BRECQ", ICLR 2021).
"""
import json
import math
import random

import numpy as np
import onnx
import torch
import torch.nn.functional as F
from onnx import numpy_helper

import net
import quantise
import render
import train
import truth

LOSS = 0.03    # share of the variance of a block's output
STEP = 16      # channels are kept in multiples of it
DAMP = 1e-4    # of the mean variance of a channel, so that the inverse exists
PLACES = 400   # places of a line that are looked at, for each block
STEPS = 300    # of training a block
ROWS = 4096    # places a step
RATE = 1e-3    # at the most


def blocks(nodes):
    """(widening, GELU, narrowing) of each block."""
    return [(nodes[i - 1], n, nodes[i + 1]) for i, n in enumerate(nodes) if n.op_type in ("Gelu", "FastGelu")]


def sample(charset):
    """Lines of the training vendors, half of them as scanned another time, and rendered ones."""
    r, n = random.Random(5), np.random.default_rng(5)
    receipts, _ = train.real("receipts", "sroie", 0.4, charset)
    forms, _ = train.real("forms", "vrdu_adbuy", 0.3, charset)
    real = [image for image, _ in r.sample(receipts, 300) + r.sample(forms, 150)]
    drawn = render.Lines(77, set(charset.text))
    images = [train.vary(i, r, n) if k % 2 else i for k, i in enumerate(real)] + [drawn()[0] for _ in range(300)]
    return [train.tensor([train.fitted(i)]) for i in images if i.shape[1] <= train.WIDEST]


class Moments:
    """Means and covariances of what is put in, one row an observation."""

    def __init__(self):
        self.n, self.sum, self.square = 0, 0, 0

    def add(self, rows):
        self.n, self.sum, self.square = self.n + len(rows), self.sum + rows.sum(0).double(), self.square + (rows.T @ rows).double()

    def result(self):
        mean = (self.sum / self.n).numpy()
        return mean, (self.square / self.n).numpy() - np.outer(mean, mean)


def expendable(weights, covariance):
    """Channels in the order in which they go, and the share of the output's variance lost after each."""
    inverse, w, total = np.linalg.inv(covariance), weights.copy(), np.einsum("oi,ij,oj->", weights, covariance, weights)
    gone, lost = [], []
    for _ in range(len(covariance) - STEP):
        cost = (w ** 2).sum(0) / np.diag(inverse)
        cost[gone] = np.inf
        j = int(cost.argmin())
        lost.append((lost[-1] if lost else 0) + cost[j] / total)
        w -= np.outer(w[:, j] / inverse[j, j], inverse[j])
        inverse -= np.outer(inverse[:, j], inverse[j]) / inverse[j, j]
        inverse[j], inverse[:, j], w[:, j], inverse[j, j] = 0, 0, 0, 1
        gone.append(j)
    return gone, np.array(lost)


class Pass:
    """All lines on their way through the graph, node by node; rounded as 8 bits do to the given nodes."""

    def __init__(self, graph, images, rounded=()):
        self.values, self.fixed = [{graph.input: x} for x in images], graph.fixed
        self.weights = {k: graph.parameter(k).detach() for k in graph.names}
        self.convolutions = {n.name for n in rounded if n.op_type == "Conv"}
        relus = {n.input[0] for n in rounded if n.op_type == "Relu"}  # one with the convolution before
        made = {o for n in graph.nodes for o in n.output if n.op_type != "MaxPool"}
        self.tensors = {k for n in rounded for k in (*n.input, *n.output) if k in made} - relus
        self.ranges = {graph.input: (-1.0, 1.0)}

    def run(self, n, a):
        for v in self.values:
            x = [v[k] if k in v else self.weights[k] if k in self.weights else self.fixed[k] for k in n.input if k]
            if n.name in self.convolutions:
                x[1] = net.round_weights(x[1])
            out = net.operate(n.op_type, a, x)
            v.update(zip(n.output, out if isinstance(out, tuple) else (out,)))
        if (name := n.output[0]) in self.tensors:
            self.ranges[name] = limits(v[name] for v in self.values)
            for v in self.values:
                v[name] = net.round_between(v[name], *self.ranges[name])


def limits(tensors):
    ends = [t.aminmax() for t in tensors]
    return min(0.0, *(low.item() for low, _ in ends)), max(0.0, *(high.item() for _, high in ends))


@torch.no_grad()
def slim(source, target, images):
    """Runs the full net and the slim one side by side, so that each block also mends what those before it have changed."""
    full = net.Net(source)
    theirs, ours = Pass(full, images), Pass(full, images, quantise.rounded(full.model.graph))
    narrows = {narrow.output[0]: (wide, gelu) for wide, gelu, narrow in blocks(full.nodes)}
    uses = {x: i for i, n in enumerate(full.nodes) for x in n.input}
    for wide, gelu in narrows.values():
        uses[wide.input[0]] = max(uses[wide.input[0]], uses[gelu.output[0]])
    before = after = 0
    for i, (n, a) in enumerate(zip(full.nodes, full.attributes)):
        theirs.run(n, a)
        if n.output[0] in narrows:
            wide, gelu = narrows.pop(n.output[0])
            before += len(ours.weights[wide.input[1]])
            mend(wide, gelu, n, full.nodes[i + 1], theirs, ours)
            after += len(ours.weights[wide.input[1]])
            k = full.nodes.index(wide)
            for node in (k, k + 1):
                ours.run(full.nodes[node], full.attributes[node])
            for v in ours.values:
                del v[wide.output[0]]
        ours.run(n, a)
        for v in theirs.values + ours.values:
            for k in n.input:
                if uses.get(k) == i:
                    v.pop(k, None)
        if n.op_type == "AveragePool":
            break
    save(full, ours.weights, target)
    target.with_suffix(".json").write_text(json.dumps(ours.ranges))
    print(f"{after} of {before} hidden channels are left")


def mend(wide, gelu, narrow, following, theirs, ours):
    """Takes channels out of one block and fits the others to what the full net has after it."""
    weights, hidden = theirs.weights[narrow.input[1]][:, :, 0, 0].numpy().astype(np.float64), len(theirs.weights[wide.input[1]])
    skip = next(x for x in following.input if x != narrow.output[0]) if following.op_type == "Add" else None
    moments, seen = Moments(), []
    for t, o in zip(theirs.values, ours.values):
        wanted = t[narrow.output[0]] + (t[skip] - o[skip] if skip else 0)
        places = torch.randperm(wanted[0, 0].numel())[:PLACES]
        given, inner, wanted = (v[0].flatten(1).T[places] for v in (o[wide.input[0]], o[gelu.output[0]], wanted))
        moments.add(torch.cat([inner, wanted], 1))
        seen.append((given, wanted))
    mean, cov = moments.result()
    hh = cov[:hidden, :hidden] + np.eye(hidden) * DAMP * np.trace(cov[:hidden, :hidden]) / hidden
    gone, lost = expendable(weights, hh)
    left = max(STEP, round((hidden - (lost <= LOSS).sum()) / STEP) * STEP)
    keep = sorted(set(range(hidden)) - set(gone[:hidden - left]))
    fitted = np.linalg.solve(hh[np.ix_(keep, keep)], cov[keep, hidden:]).T
    start = [ours.weights[wide.input[1]][keep, :, 0, 0], ours.weights[wide.input[2]][keep], torch.tensor(fitted, dtype=torch.float32),
             torch.tensor(mean[hidden:] - fitted @ mean[keep], dtype=torch.float32)]
    for name, v in zip((*wide.input[1:], *narrow.input[1:]), refine(start, *(torch.cat(c) for c in zip(*seen)))):
        ours.weights[name] = v[:, :, None, None] if v.dim() == 2 else v


@torch.enable_grad()
def refine(start, given, wanted):
    """Trains a block alone, place by place, to give in 8 bits what is wanted of it."""
    order = torch.randperm(len(given))
    given, wanted = given[order].contiguous(), wanted[order].contiguous()
    held, scale = len(given) // 20, wanted.var(0).sum().item()
    weights = [torch.nn.Parameter(v.clone()) for v in start]
    with torch.no_grad():
        inner = limits([F.linear(given, *weights[:2])])
        outer = -0.17, max(inner[1], 0.01)  # GELU's least, and about its most

    def missed(x, y):
        hidden = net.round_between(F.linear(x, net.round_weights(weights[0]), weights[1]), *inner)
        hidden = net.round_between(F.gelu(hidden, approximate="tanh"), *outer)
        return ((F.linear(hidden, net.round_weights(weights[2]), weights[3]) - y) ** 2).sum(1).mean() / scale

    optimiser = torch.optim.Adam(weights, betas=(0.9, 0.98))
    with torch.no_grad():
        first = missed(given[:held], wanted[:held]).item()
    for k in range(STEPS):
        optimiser.param_groups[0]["lr"] = RATE * min(1, (k + 1) / 20) * (0.5 + 0.49 * math.cos(math.pi * k / STEPS))
        at = held + torch.randint(len(given) - held, (ROWS,))
        loss = missed(given[at], wanted[at])
        optimiser.zero_grad(set_to_none=True)
        loss.backward()
        optimiser.step()
    with torch.no_grad():
        print(f"{len(given)} places, {len(start[1])} channels: {first:.4f} of the variance lost, {missed(given[:held], wanted[:held]).item():.4f} after", flush=True)
    return [w.detach() for w in weights]


def save(full, weights, target):
    for t in full.model.graph.initializer:
        if t.name in weights:
            t.CopyFrom(numpy_helper.from_array(np.ascontiguousarray(weights[t.name].numpy()), t.name))
    for _, gelu, _ in blocks(full.model.graph.node):
        gelu.op_type = "FastGelu"  # by tanh: less than .001 apart, in less time
    for v in full.model.graph.value_info:
        v.type.tensor_type.ClearField("shape")  # that of before
    onnx.save(full.model, target)


def main():
    torch.manual_seed(1)
    truth.export_all()
    quantise.restore(truth.ROOT / "embedded" / "onnx" / "models" / "rec.onnx", truth.WORK / "restored.onnx")
    slim(truth.WORK / "restored.onnx", truth.WORK / "slim.onnx", sample(train.charset()))


if __name__ == "__main__":
    main()
