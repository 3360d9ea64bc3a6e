#!/usr/bin/env python3
"""Trains the weights that tell where a blank stands between two characters.

    RECTO_DATA=../shared/data .venv/bin/python models/blanks.py

Reads SROIE receipts with an odd id (CC BY 4.0) with the product's own reader,
takes the lines whose characters agree with the transcript, and writes
node/extract/ocr/blanks_weights.go.
"""
import collections
import json
import os
import pathlib
import re
import subprocess
import tempfile

import numpy as np
from sklearn.linear_model import LogisticRegression

ROOT = pathlib.Path(__file__).resolve().parent.parent
DATA = pathlib.Path(os.environ.get("RECTO_DATA", ROOT.parent / "shared" / "data")).resolve() / "sroie"
OUT = ROOT / "node" / "extract" / "ocr" / "blanks_weights.go"


def transcript(doc):
    """Lines of the transcript by their characters without blanks."""
    lines = {}
    for l in open(DATA / "boxes" / f"{doc}.txt", encoding="utf-8", errors="replace"):
        parts = l.rstrip("\r\n").split(",", 8)
        if len(parts) == 9:
            lines.setdefault(re.sub(r"\s", "", parts[8].upper()), parts[8].strip())
    return lines


def labels(text):
    """For each character but the first: does a blank stand before it?"""
    out, blank = [], False
    for c in text:
        if c.isspace():
            blank = True
            continue
        out.append(blank)
        blank = False
    return out[1:]


def main():
    with tempfile.TemporaryDirectory() as d:
        dump = pathlib.Path(d) / "blanks.jsonl"
        subprocess.run(["go", "test", "-run", "^$", "-bench", "ExportBlanks", "-benchtime", "1x", "./node/extract/ocr"], check=True,
                       cwd=ROOT, env={**os.environ, "RECTO_SROIE": str(DATA), "RECTO_BLANKS": str(dump)}, stdout=subprocess.DEVNULL)
        rows = [json.loads(l) for l in open(dump, encoding="utf-8")]
    by_doc = collections.defaultdict(list)
    for r in rows:
        by_doc[r["ID"]].append(r)
    x, y = [], []
    for doc, lines in by_doc.items():
        truth = transcript(doc)
        for r in lines:
            want = truth.get(r["Text"].upper())
            if want and len(r["Text"]) > 3 and len(labels(want)) == len(r["Features"]):
                x += r["Features"]
                y += labels(want)
    x, y = np.array(x), np.array(y)
    mean, dev = x.mean(0), x.std(0) + 1e-9
    fit = LogisticRegression(C=1, max_iter=1000).fit((x - mean) / dev, y)
    weights = fit.coef_[0] / dev
    bias = fit.intercept_[0] - (weights * mean).sum()
    got = x @ weights + bias > 0
    print(f"{len(by_doc)} receipts, {len(y)} places, {y.mean():.3f} blanks; on these F "
          f"{2 * (got & y).sum() / (got.sum() + y.sum()):.4f}, of the peak above .03 alone F "
          f"{2 * ((x[:, 0] > np.log(.03)) & y).sum() / ((x[:, 0] > np.log(.03)).sum() + y.sum()):.4f}")
    body = "".join(f"\t{w:.4f},\n" for w in weights)
    OUT.write_text("package ocr\n\n// Made by models/blanks.py.\n"
                   f"const blankBias = {bias:.4f}\n\nvar blankWeights = [featureCount]float64{{\n{body}}}\n")


if __name__ == "__main__":
    main()
