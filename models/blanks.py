#!/usr/bin/env python3
"""Trains the weights that tell where a blank stands between two characters.

    RECTO_DATA=../shared/data .venv/bin/python models/blanks.py [--kept]

Reads SROIE receipts (CC BY 4.0) and VRDU ad-buy forms of the training vendors
with the product's own reader, takes the places where two neighbouring
characters agree with the truth, and writes node/extract/ocr/blanks_weights.go.
"""
import re

import numpy as np
from rapidfuzz.distance import Levenshtein
from sklearn.linear_model import LogisticRegression

import truth

OUT = truth.ROOT / "node" / "extract" / "ocr" / "blanks_weights.go"


def capitals(s):
    return "".join(c.upper() if len(c.upper()) == 1 else c for c in s)


def places(record):
    """Features and whether a blank stands there, for each place between two rightly read neighbours."""
    read, want = record["Text"].replace(" ", ""), re.sub(r"\s", "", record["truth"])
    if len(read) != len(record["Blanks"] or []) + 1:
        return
    before, blank = [], False  # of each character of the truth
    for c in record["truth"]:
        if c.isspace():
            blank = True
        else:
            before.append(blank)
            blank = False
    there = {}
    for op in Levenshtein.opcodes(capitals(read), capitals(want)):
        if op.tag == "equal":
            there.update((op.src_start + k, op.dest_start + k) for k in range(op.src_end - op.src_start))
    for i in range(1, len(read)):
        if i in there and there.get(i - 1) == there[i] - 1:
            yield record["Blanks"][i - 1], before[there[i]]


def main():
    truth.export_all()
    sets = {True: [], False: []}  # by whether held back
    for name, weight in (("sroie", 1.0), ("vrdu_adbuy", 0.5)):
        for r in truth.lines(name, name):
            if r["cer"] <= 0.4:
                sets[r["fold"] in truth.HELD] += [(f, b, weight) for f, b in places(r)]
    x, y, w = (np.array(c) for c in zip(*sets[False]))
    mean, dev = x.mean(0), x.std(0) + 1e-9
    fit = LogisticRegression(C=1, max_iter=3000).fit((x - mean) / dev, y, sample_weight=w)
    weights = fit.coef_[0] / dev
    bias = fit.intercept_[0] - (weights * mean).sum()
    for name, held in (("trained on", False), ("held-out vendors", True)):
        x, y, _ = (np.array(c) for c in zip(*sets[held]))
        got = x @ weights + bias > 0
        print(f"{name}: {len(y)} places, {y.mean():.3f} blanks, F {2 * (got & y).sum() / (got.sum() + y.sum()):.4f}")
    body = "".join(f"\t{v:.4f},\n" for v in weights)
    OUT.write_text("package ocr\n\n// Made by models/blanks.py.\n"
                   f"const blankBias = {bias:.4f}\n\nvar blankWeights = [featureCount]float64{{\n{body}}}\n")


if __name__ == "__main__":
    main()
