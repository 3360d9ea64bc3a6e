"""Says what stands on the lines that the product's reader finds: for training and measuring only."""
import html
import json
import hashlib
import os
import pathlib
import re
import subprocess
import sys

import numpy as np
from rapidfuzz.distance import Levenshtein

ROOT = pathlib.Path(__file__).resolve().parent.parent
DATA = pathlib.Path(os.environ.get("RECTO_DATA", ROOT.parent / "shared" / "data")).resolve()
WORK = pathlib.Path(os.environ.get("RECTO_TRAIN", ROOT / "models" / ".work")).resolve()
DPI = 200
HELD = (0, 3)  # of five folds by vendor: never trained on, so that the figures are honest


def fold(vendor):
    return int(hashlib.sha1(vendor.encode()).hexdigest(), 16) % 5


def labels(dataset):
    rows = [json.loads(l) for l in open(DATA / dataset / "labels.jsonl", encoding="utf-8")]
    return [r for r in rows if r.get("file")]


def rasterise(dataset, pages=1):
    """Pages of the PDFs of a set as grey images, their words beside them in WORK."""
    out = []
    WORK.mkdir(parents=True, exist_ok=True)
    for r in labels(dataset):
        stem = WORK / f"{dataset}--{r['id']}"
        pdf = str(DATA / dataset / r["file"])
        if not stem.with_name(stem.name + ".xml").exists():
            subprocess.run(["pdftoppm", "-r", str(DPI), "-l", str(pages), "-gray", "-png", pdf, str(stem)], check=True, stderr=subprocess.DEVNULL)
            subprocess.run(["pdftotext", "-bbox", "-l", str(pages), pdf, str(stem) + ".xml"], check=True, stderr=subprocess.DEVNULL)
        out += sorted(WORK.glob(stem.name + "-*.png"))
    return out


def export(name, pages):
    """Lines of the pages as the product's detector finds and cuts them, with what it reads now."""
    WORK.mkdir(parents=True, exist_ok=True)
    listing, out = WORK / f"{name}.pages", WORK / f"{name}.strips"
    listing.write_text("\n".join(str(p) for p in pages))
    subprocess.run(["go", "test", "-run", "^$", "-bench", "ExportLines", "-benchtime", "1x", "-timeout", "2h", "./node/extract/ocr"], check=True,
                   cwd=ROOT, env={**os.environ, "RECTO_PAGES": str(listing), "RECTO_LINES": str(out)}, stdout=subprocess.DEVNULL)


def export_all():
    """Exports what the scripts learn from, unless they are started with --kept: then what an earlier run exported stays."""
    if "--kept" in sys.argv:
        return
    export("sroie", [DATA / "sroie" / r["file"] for r in labels("sroie")])
    export("vrdu_adbuy", rasterise("vrdu_adbuy"))


def records(name):
    """What export wrote: one record a line."""
    return [json.loads(l) for l in open(WORK / f"{name}.strips.jsonl", encoding="utf-8")]


class Strips:
    """The strips that export wrote, as BGR images."""

    def __init__(self, name):
        self.bytes = np.memmap(WORK / f"{name}.strips", np.uint8, "r")

    def __call__(self, r):
        n = 48 * r["Width"] * 3
        return np.array(self.bytes[r["Offset"]:r["Offset"] + n]).reshape(48, r["Width"], 3)[:, :, ::-1]


def sroie_boxes(doc):
    """Lines of a SROIE transcript: left, top, right, bottom, text."""
    out = []
    for l in open(DATA / "sroie" / "boxes" / f"{doc}.txt", encoding="utf-8", errors="replace"):
        p = l.rstrip("\r\n").split(",", 8)
        if len(p) == 9 and p[8].strip():
            xy = np.array([float(v) for v in p[:8]]).reshape(4, 2)
            out.append((*xy.min(0), *xy.max(0), p[8].strip()))
    return out


def pdf_words(stem):
    """Words of the text layer of each page, in pixels of the rasterised page."""
    pages = []
    word = re.compile(r'<word xMin="([-\d.]+)" yMin="([-\d.]+)" xMax="([-\d.]+)" yMax="([-\d.]+)">(.*?)</word>')
    for l in open(WORK / f"{stem}.xml", encoding="utf-8", errors="replace"):
        if "<page " in l:
            pages.append([])
        if m := word.search(l):
            pages[-1].append((*(float(v) * DPI / 72 for v in m.groups()[:4]), html.unescape(m.group(5))))
    return pages


def match(rec, boxes):
    """The boxes whose middle lies in the line, joined from left to right; None if there are none or one
    is cut in two. Sets rec["clipped"] when a part of one lies outside."""
    c = np.array(rec["Corners"])
    u, v = c[1] - c[0], c[3] - c[0]
    w, h = np.hypot(*u), np.hypot(*v)
    if w < 1 or h < 1:
        return None
    u, v, got = u / w, v / h, []
    top, bottom = c[:, 1].min(), c[:, 1].max()
    for x0, y0, x1, y1, text in boxes:
        mid = (y0 + y1) / 2
        if y1 < top or y0 > bottom or not 0.2 * h < (np.array([(x0 + x1) / 2, mid]) - c[0]) @ v < 0.8 * h:
            continue
        a, b = (np.array([x0, mid]) - c[0]) @ u, (np.array([x1, mid]) - c[0]) @ u
        inside = min(b, w) - max(a, 0)
        if inside <= 0:
            continue
        if inside < 0.85 * (b - a):
            rec["clipped"] = True
        if inside >= 0.5 * (b - a):
            got.append((a, text))
        elif inside > 0.15 * w:
            return None
    return " ".join(t for _, t in sorted(got)) if got else None


def letters(s):
    return re.sub(r"\s", "", s.upper())


def lines(name, dataset):
    """The records of export whose truth is known, with truth, cer (of the reading, without case and
    blanks), doc and fold."""
    vendors = {r["id"]: r.get("vendor") or f"{dataset}--{r['id']}" for r in labels(dataset)}
    cache, out = {}, []
    for r in records(name):
        stem = pathlib.Path(r["Page"]).stem
        if dataset == "sroie":
            doc, page, load = stem, 0, lambda: [sroie_boxes(stem)]
        else:
            doc, page = re.fullmatch(r".*?--(.*)-(\d+)", stem).groups()
            page, load = int(page) - 1, lambda: pdf_words(f"{dataset}--{doc}")
        if doc not in cache:
            cache[doc] = load()
        if r["Turn"] or page >= len(cache[doc]) or not (text := match(r, cache[doc][page])):
            continue
        a = letters(text)
        r.update(truth=text, cer=Levenshtein.distance(a, letters(r["Text"])) / max(1, len(a)), doc=doc, fold=fold(vendors[doc]))
        out.append(r)
    return out


def recase(truth, read):
    """A truth in capitals (SROIE transcribes so) with the case of the reading where the two agree."""
    read = read.replace(" ", "")
    if any(c.islower() for c in truth) or len(read.upper()) != len(read):
        return truth
    out = list(truth)
    at = [i for i, c in enumerate(out) if not c.isspace()]
    plain = "".join(out[i] for i in at).upper()
    small = [None] * len(plain)
    for op in Levenshtein.opcodes(plain, read.upper()):
        if op.tag == "equal":
            for k in range(op.src_end - op.src_start):
                if read[op.dest_start + k].isalpha():
                    small[op.src_start + k] = read[op.dest_start + k].islower()
    for k, i in enumerate(at):
        if small[k] is None and plain[k].isalpha() and i > 0 and truth[i - 1] != " ":
            near = [small[j] for j in (k + 1, k - 1, k + 2, k - 2) if 0 <= j < len(small) and small[j] is not None]
            small[k] = bool(near and near[0])
        if small[k]:
            out[i] = out[i].lower()
    return "".join(out)
