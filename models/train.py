#!/usr/bin/env python3
"""Fine-tunes the recogniser on real and rendered lines, on two cores in about half an hour.

    mkdir -p models/.work/packages && cd models/.work/packages
    apt-get download $(cat ../../packages.txt) && for f in *.deb; do dpkg -x $f .; done && cd -
    RECTO_DATA=../shared/data models/.venv/bin/python models/train.py [minutes] [--kept]

Real lines are those of SROIE receipts (CC BY 4.0) and VRDU ad-buy forms, found and
cut by the product's own reader. Vendors of the folds truth.HELD are never trained
on. Writes .work/tuned.onnx, which eight.py turns into 8 bits: weights
between those it started from and those it learned, because all the way receipts
gain nothing more and clean narrow print loses double letters and full stops.
"""
import collections
import math
import os
import queue
import random
import sys
import threading
import time

import cv2
import numpy as np
import torch
import torch.nn.functional as F
from rapidfuzz.distance import Levenshtein

import net
import render
import truth

FROZEN = 65    # nodes of the graph that do not learn: the stem, stage 1 and half of stage 2
NECK = 106     # from this node on the learning rate is twice as high
RATE = 1.2e-4
SHARE = 0.35   # of the way from the first weights to the learned ones that is gone in the end
WIDEST = 960   # pixels
LEADERS = ("....", "----", "****", "====", "____")  # nobody counts them alike


class Charset:
    def __init__(self, text):
        self.text, self.index = text, {c: i + 1 for i, c in enumerate(text)}

    def decode(self, logits):
        out = []
        for row in logits.argmax(-1).tolist():
            s = "".join(self.text[c - 1] for c, before in zip(row, [0] + row) if c and c != before)
            out.append(" ".join(s.split()))
        return out


def charset():
    return Charset((truth.ROOT / "embedded" / "onnx" / "models" / "rec.charset.txt").read_text(encoding="utf-8"))


def precision():
    """Half the bytes where the processor computes with them, which takes far longer where it does not."""
    return torch.autocast("cpu", torch.bfloat16, enabled="avx512_bf16" in open("/proc/cpuinfo").read())


def real(name, dataset, limit, charset):
    """Lines to train on, with their texts, and lines held back."""
    train, held = [], []
    strips = truth.Strips(dataset)
    for r in truth.lines(dataset, dataset):
        if r["cer"] > 0.5 or r["Width"] > WIDEST:
            continue
        if r["fold"] in truth.HELD:
            held.append((strips(r), r["truth"]))
            continue
        text = truth.recase(r["truth"], r["Text"])
        if r["cer"] <= limit and not r.get("clipped") and set(text) <= set(charset.text) and not any(k in text for k in LEADERS):
            train.append((strips(r), text))
    print(f"{name}: {len(train)} lines to train on, {len(held)} held back", flush=True)
    return train, held


def lines(charset):
    """Receipts and forms to train on, and the sets to measure on."""
    receipts, held = real("receipts", "sroie", 0.4, charset)
    forms, _ = real("forms", "vrdu_adbuy", 0.3, charset)
    drawn = render.Lines(999, set(charset.text))
    return receipts, forms, {"held-out receipts": random.Random(4).sample(held, min(300, len(held))), "rendered": [drawn() for _ in range(150)]}


def vary(image, r, n):
    """The same line scanned another time."""
    h, w = image.shape[:2]
    if r.random() < 0.8:
        s = r.uniform(0.94, 1.12)
        sx, a, pad = s * r.uniform(0.92, 1.08), math.radians(r.gauss(0, 0.5)), r.uniform(0, 14) if r.random() < 0.6 else 0
        wide = max(16, int((w + pad) * sx))
        m = np.array([[sx * math.cos(a), -s * math.sin(a)], [sx * math.sin(a), s * math.cos(a)]])
        shift = np.array([wide / 2 + r.uniform(-1, 1) * pad * 0.5 * sx, 24 + r.uniform(-2.5, 2.5)]) - m @ np.array([w / 2, h / 2])
        image = cv2.warpAffine(image, np.column_stack([m, shift]), (wide, 48), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    f = image.astype(np.float32)
    paper = np.percentile(f, 90)
    if r.random() < 0.3:
        f = f.mean(-1, keepdims=True).repeat(3, -1)
    if r.random() < 0.6:
        f = (f - paper) * r.uniform(0.45, 1.25) + paper + r.uniform(-20, 20)
    if r.random() < 0.25:
        f = cv2.GaussianBlur(f, (0, 0), r.uniform(0.3, 1.2))
    if r.random() < 0.3:
        f += n.standard_normal(f.shape[:2]).astype(np.float32)[..., None] * r.uniform(2, 14)
    if r.random() < 0.15:  # broken strokes
        noise = cv2.GaussianBlur(n.standard_normal(f.shape[:2]).astype(np.float32), (0, 0), r.uniform(0.8, 1.8))
        k = np.clip((noise / noise.std() - r.uniform(0.5, 1.5)) * 1.5, 0, 1)[..., None] * r.uniform(0.3, 0.9)
        f = f * (1 - k) + np.percentile(f, 90) * k
    image = np.clip(f, 0, 255).astype(np.uint8)
    return render.jpeg(image, r) if r.random() < 0.2 else image


def fitted(image):
    """The strip at a width that is a multiple of 32, so that batches need no padding: the net sees the whole width."""
    w = max(2, round(image.shape[1] / 32)) * 32
    return image if image.shape[1] == w else cv2.resize(image, (w, 48), interpolation=cv2.INTER_AREA if image.shape[1] > w else cv2.INTER_LINEAR)


def feed(receipts, forms, charset, out, stop):
    """Puts batches of strips of one width and their classes into out: half receipts, an eighth forms, the rest rendered."""
    r, n, drawn = random.Random(12), np.random.default_rng(12), render.Lines(22, set(charset.text))
    order = []
    while not stop.is_set():
        by_width = collections.defaultdict(list)
        for _ in range(800):
            k = r.random()
            if k < 0.5:
                if not order:
                    order = r.sample(range(len(receipts)), len(receipts))
                image, text = receipts[order.pop()]
                image = vary(image, r, n)
            elif k < 0.62:
                image, text = r.choice(forms)
                image = vary(image, r, n)
            else:
                image, text = drawn()
            image, classes = fitted(image), [charset.index[c] for c in text]
            room = image.shape[1] // 8 - 1 - sum(a == b for a, b in zip(classes, classes[1:]))
            if image.shape[1] <= WIDEST and len(classes) <= room:
                by_width[image.shape[1]].append((image, classes))
        batches = []
        for w, items in by_width.items():
            size = max(4, min(48, 9600 // w))
            batches += [items[i:i + size] for i in range(0, len(items), size)]
        r.shuffle(batches)
        for b in batches:
            while not stop.is_set():
                try:
                    out.put(b, timeout=1)
                    break
                except queue.Full:
                    continue


def tensor(images):
    x = np.stack(images).transpose(0, 3, 1, 2).astype(np.float32) / 127.5 - 1
    return torch.from_numpy(x).contiguous(memory_format=torch.channels_last)


def measure(model, items, charset):
    """Character errors without case and blanks, and 1 - word F."""
    by_width = collections.defaultdict(list)
    for image, text in items:
        image = fitted(image)
        by_width[image.shape[1]].append((image, text))
    wrong = chars = hit = words = 0
    with torch.no_grad(), precision():
        for same in by_width.values():
            for i in range(0, len(same), 16):
                part = same[i:i + 16]
                for read, (_, want) in zip(charset.decode(model(tensor([im for im, _ in part]))), part):
                    wrong += Levenshtein.distance(truth.letters(want), truth.letters(read))
                    chars += len(truth.letters(want))
                    a, b = collections.Counter(want.upper().split()), collections.Counter(read.upper().split())
                    hit, words = hit + (a & b).total(), words + a.total() + b.total()
    return f"characters {wrong / chars:.4f} words {1 - 2 * hit / words:.4f}"


class Mean:
    """Moving average of the weights: what is measured and kept."""

    def __init__(self, model):
        self.model, self.steps = model, 0
        self.weights = {k: p.detach().clone() for k, p in model.named_parameters()}
        self.first = {k: p.clone() for k, p in self.weights.items()}

    @torch.no_grad()
    def add(self):
        self.steps += 1
        for k, p in self.model.named_parameters():
            if p.requires_grad:
                self.weights[k].lerp_(p, 1 - min(0.995, self.steps / (self.steps + 4)))

    def shorten(self):
        """Goes back to SHARE of the way."""
        self.weights = {k: self.first[k].lerp(p, SHARE) for k, p in self.weights.items()}

    @torch.no_grad()
    def report(self, sets, charset, path):
        kept = {k: p.detach().clone() for k, p in self.model.named_parameters()}
        for k, p in self.model.named_parameters():
            p.copy_(self.weights[k])
        print(" | ".join(f"{name} {measure(self.model, items, charset)}" for name, items in sets.items()), flush=True)
        self.model.save(path.with_suffix(".part"), self.weights)
        os.replace(path.with_suffix(".part"), path)
        for k, p in self.model.named_parameters():
            p.copy_(kept[k])


def train(model, sets, batches, charset, seconds, path):
    groups = {RATE: [], 2 * RATE: []}
    for name, parameter in model.names.items():
        if (p := getattr(model, parameter)).requires_grad:
            groups[2 * RATE if model.first[name] >= NECK else RATE].append(p)
    learning = [p for g in groups.values() for p in g]
    optimiser = torch.optim.AdamW([{"params": g, "rate": rate} for rate, g in groups.items()], lr=0, weight_decay=1e-3, betas=(0.9, 0.98))
    mean, start, lost, report = Mean(model), time.time(), [], 420
    mean.report(sets, charset, path)
    while (spent := time.time() - start) < seconds:
        for g in optimiser.param_groups:
            g["lr"] = g["rate"] * min(1, (mean.steps + 1) / 40) * (0.5 + 0.49 * math.cos(math.pi * spent / seconds))
        batch = batches.get()
        lengths = torch.tensor([len(c) for _, c in batch])
        with precision():
            logits = model(tensor([im for im, _ in batch]))
        posteriors = logits.float().log_softmax(-1).permute(1, 0, 2)
        loss = F.ctc_loss(posteriors, torch.tensor([x for _, c in batch for x in c]), torch.full((len(batch),), len(posteriors)), lengths,
                          reduction="none", zero_infinity=True) / lengths.clamp(min=4)
        optimiser.zero_grad(set_to_none=True)
        (loss.clamp(max=4).sum() / 24).backward()
        torch.nn.utils.clip_grad_norm_(learning, 1.0)
        optimiser.step()
        mean.add()
        lost.append(loss.mean().item())
        if mean.steps % 50 == 0:
            print(f"{spent:.0f} s, step {mean.steps}, loss {np.mean(lost[-50:]):.4f}", flush=True)
        if spent > report:
            report = spent + 480
            mean.report(sets, charset, path)
    mean.shorten()
    mean.report(sets, charset, path)


def main():
    minutes = float(next((a for a in sys.argv[1:] if not a.startswith("-")), 30))
    torch.set_num_threads(int(os.environ.get("OMP_NUM_THREADS", "2")))
    torch.manual_seed(1)
    cv2.setNumThreads(0)
    truth.export_all()
    receipts, forms, sets = lines(known := charset())
    batches, stop = queue.Queue(24), threading.Event()
    feeder = threading.Thread(target=feed, args=(receipts, forms, known, batches, stop))
    feeder.start()
    try:
        train(net.Net(truth.WORK / "latin.onnx", FROZEN), sets, batches, known, minutes * 60, truth.WORK / "tuned.onnx")
    finally:
        stop.set()
        feeder.join()


if __name__ == "__main__":
    main()
