#!/usr/bin/env python3
"""Trains the slimmed recogniser to answer as its teacher does, on two cores in about an hour.

    RECTO_DATA=../shared/data models/.venv/bin/python models/distil.py [minutes]

Starts from .work/slim.onnx with .work/teacher.onnx and the lines that slim.py exported, and writes
.work/distilled.onnx. Three losses are added for each line: the divergence of the posteriors from the teacher's
(Hinton et al. 2015), the distance between what the two backbones hand to the neck, as a share of its square
(Romero et al. 2015), and half of the CTC loss on the true text.
"""
import queue
import threading
import time

import cv2
import numpy as np
import onnx
import onnxruntime as ort
import torch

import net
import train
import truth

FROZEN = 18     # nodes of the graph that do not learn: the stem and the first convolutions
RATE = 3e-4
DRAWN_IN = 0.84  # the least width of a line, of its own


class Teacher:
    """Gives posteriors and features of a batch."""

    def __init__(self, path):
        model = onnx.load(path)
        model.graph.output.append(onnx.helper.make_tensor_value_info(net.FEATURES, onnx.TensorProto.FLOAT, None))
        opts = ort.SessionOptions()
        opts.intra_op_num_threads, opts.log_severity_level = 1, 3
        self.session = ort.InferenceSession(model.SerializeToString(), opts)
        self.out = [self.session.get_outputs()[0].name, net.FEATURES]

    def __call__(self, x):
        return [torch.from_numpy(v) for v in self.session.run(self.out, {self.session.get_inputs()[0].name: x})]


def vary(image, r, n):
    """A real line scanned another time, half of them drawn in along the text."""
    image = train.vary(image, r, n)
    if r.random() < 0.5:
        wide = max(16, int(image.shape[1] * r.uniform(DRAWN_IN, 1)))
        image = cv2.resize(image, (wide, 48), interpolation=cv2.INTER_AREA)
    return image


def teach(batches, lessons, teacher, stop):
    """Adds to each batch its strips as a tensor and what the teacher says."""
    while not stop.is_set():
        try:
            batch = batches.get(timeout=1)
        except queue.Empty:
            continue
        x = train.tensor([image for image, _ in batch])
        train.put(lessons, (x, [classes for _, classes in batch], *teacher(x.contiguous().numpy())), stop)


def losses(model, x, classes, posteriors, features):
    """Of each line, by kind: CTC and divergence a character, features as a share."""
    with train.precision():
        got, logits = model.values(x, [net.FEATURES, model.logits])
    logs = logits.float().log_softmax(-1)
    characters = torch.tensor([len(c) for c in classes]).clamp(min=4)
    divergence = (posteriors * ((posteriors + 1e-6).log() - logs)).sum((1, 2)) / characters
    apart = ((got.float() - features) ** 2).sum((1, 2, 3)) / (features ** 2).sum((1, 2, 3))
    return train.ctc(logs, classes), divergence, apart


def distil(model, sets, lessons, charset, seconds, path):
    learning = [p for p in model.parameters() if p.requires_grad]
    optimiser = torch.optim.AdamW(learning, lr=0, weight_decay=1e-3, betas=(0.9, 0.98))
    mean, start, lost, report = train.Mean(model), time.time(), [], 300
    mean.report(sets, charset, path)
    while (spent := time.time() - start) < seconds:
        for g in optimiser.param_groups:
            g["lr"] = RATE * train.rate(mean.steps, spent, seconds)
        ctc, divergence, apart = losses(model, *lessons.get())
        optimiser.zero_grad(set_to_none=True)
        ((0.5 * ctc.clamp(max=4) + divergence.clamp(max=6) + apart).sum() / 24).backward()
        torch.nn.utils.clip_grad_norm_(learning, 2.0)
        optimiser.step()
        mean.add()
        lost.append([v.mean().item() for v in (ctc, divergence, apart)])
        if mean.steps % 50 == 0:
            print("%.0f s, step %d: CTC %.4f, divergence %.4f, features %.4f" % (spent, mean.steps, *np.mean(lost[-50:], 0)), flush=True)
        if spent > report:
            report = spent + 600
            mean.report(sets, charset, path)
    mean.report(sets, charset, path)


def main():
    seconds = train.begin(60)
    receipts, forms, sets = train.lines(known := train.charset())
    batches, lessons, stop = queue.Queue(12), queue.Queue(12), threading.Event()
    feeder = threading.Thread(target=train.feed, args=(receipts, forms, known, batches, stop, vary))
    teacher = threading.Thread(target=teach, args=(batches, lessons, Teacher(truth.WORK / "teacher.onnx"), stop))
    with train.at_work(stop, feeder, teacher):
        distil(net.Net(truth.WORK / "slim.onnx", FROZEN), sets, lessons, known, seconds, truth.WORK / "distilled.onnx")


if __name__ == "__main__":
    main()
