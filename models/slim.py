#!/usr/bin/env python3
"""Takes from the recogniser the hidden channels that it can best do without.

    RECTO_DATA=../shared/data models/.venv/bin/python models/slim.py [--kept]

Starts from the shipped 8-bit net, which becomes the teacher (.work/teacher.onnx), and writes .work/slim.onnx
for distil.py to train. Each block of the net widens, applies GELU and narrows again: two convolutions of 1×1
with the hidden channels between them. One by one the channel goes whose loss, mended as well as the others can
by least squares, changes the block's output least (optimal brain surgeon: Hassibi and Stork, NIPS 1992, with
whole columns of the second convolution as weights), until LOSS of the output's variance is lost.
"""
import random
import shutil

import numpy as np
import onnx
import torch
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


def blocks(nodes):
    """(widening, GELU, narrowing) of each block."""
    return [(nodes[i - 1], n, nodes[i + 1]) for i, n in enumerate(nodes) if n.op_type == "Gelu"]


def sample(charset):
    """Lines of the training vendors and rendered ones."""
    r, n = random.Random(5), np.random.default_rng(5)
    receipts, _ = train.real("receipts", "sroie", 0.4, charset)
    drawn = render.Lines(77, set(charset.text))
    images = [train.vary(image, r, n) for image, _ in r.sample(receipts, 350)] + [drawn()[0] for _ in range(200)]
    return [train.fitted(i) for i in images if i.shape[1] <= train.WIDEST]


@torch.no_grad()
def moments(model, images):
    """Mean and covariance of the hidden channels of each block."""
    names = [gelu.output[0] for _, gelu, _ in blocks(model.nodes)]
    sums = {k: [0, 0, 0] for k in names}
    for image in images:
        for k, v in zip(names, model.values(train.tensor([image]), names)):
            h = v[0].flatten(1)
            h = h[:, torch.randperm(h.shape[1])[:PLACES]]
            for i, part in enumerate((h.shape[1], h.sum(1).double(), (h @ h.T).double())):
                sums[k][i] = sums[k][i] + part
    means = {k: (s / n).numpy() for k, (n, s, _) in sums.items()}
    return {k: (means[k], (ss / n).numpy() - np.outer(means[k], means[k])) for k, (n, _, ss) in sums.items()}


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


def slim(source, target, moments):
    model = onnx.load(source)
    stored = {t.name: t for t in model.graph.initializer}
    value = lambda name: numpy_helper.to_array(stored[name]).astype(np.float64)
    put = lambda name, v: stored[name].CopyFrom(numpy_helper.from_array(np.ascontiguousarray(v, np.float32), name))
    before = after = 0
    for wide, gelu, narrow in blocks(list(model.graph.node)):
        mean, cov = moments[gelu.output[0]]
        cov = cov + np.eye(len(cov)) * DAMP * np.trace(cov) / len(cov)
        weights, bias = value(narrow.input[1])[:, :, 0, 0], value(narrow.input[2])
        gone, lost = expendable(weights, cov)
        left = max(STEP, round((len(cov) - (lost <= LOSS).sum()) / STEP) * STEP)
        keep = sorted(set(range(len(cov))) - set(gone[:len(cov) - left]))
        mended = np.linalg.solve(cov[np.ix_(keep, keep)], cov[keep] @ weights.T).T
        put(wide.input[1], value(wide.input[1])[keep])
        put(wide.input[2], value(wide.input[2])[keep])
        put(narrow.input[1], mended[:, :, None, None])
        put(narrow.input[2], bias + weights @ mean - mended @ mean[keep])
        before, after = before + len(cov), after + left
    onnx.save(model, target)
    print(f"{after} of {before} hidden channels are left")


def main():
    torch.manual_seed(1)
    shutil.copy(truth.ROOT / "embedded" / "onnx" / "models" / "rec.onnx", truth.WORK / "teacher.onnx")
    quantise.restore(truth.WORK / "teacher.onnx", truth.WORK / "restored.onnx")
    truth.export_all()
    lines = sample(train.charset())
    slim(truth.WORK / "restored.onnx", truth.WORK / "slim.onnx", moments(net.Net(truth.WORK / "restored.onnx"), lines))


if __name__ == "__main__":
    main()
