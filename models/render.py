"""Draws lines of text and spoils them as printers and scanners do."""
import glob
import math
import os
import random
import string

import cv2
import numpy as np
from PIL import Image, ImageDraw, ImageFont

import truth
import words

NEEDED = set(string.ascii_letters + string.digits + ".,:-/()&%")
UNFIT = ("Symbol", "Dingbat", "Emoji", "emoji", "Math", "Music", "Icon", "D050", "Fracture", "Script")
FIXED = "mono courier cour 3270 terminus spleen anonymous hack fira inconsolata ocr typewriter typist cursor agave fixed unifont consol system pc league fantasque jetbrains lmtt".split()


def fonts(folder, charset):
    """Files of fonts with the characters they have and whether they suit a till."""
    from fontTools.ttLib import TTFont
    out = []
    for f in sorted(glob.glob(f"{folder}/**/*.[to]tf", recursive=True)):
        name = os.path.basename(f)
        if any(u in name for u in UNFIT) or "Noto" in name and not name.startswith(("NotoSans-", "NotoSerif-", "NotoSansMono", "NotoMono")):
            continue
        has = {chr(c) for c in TTFont(f, lazy=True).getBestCmap() or {}} & charset
        if NEEDED <= has:
            out.append((f, frozenset(has), any(k in name.lower() for k in FIXED)))
    return out


class Lines:
    """Endless lines: each call gives a BGR strip 48 pixels high and its text."""

    def __init__(self, seed, charset):
        self.r, self.np = random.Random(seed), np.random.default_rng(seed)
        self.texts = words.Texts(seed + 1, truth.WORK / "packages", charset)
        self.fonts = fonts(truth.WORK / "packages", charset)
        self.till = [f for f in self.fonts if f[2]]
        self.loaded = {}

    def __call__(self):
        while True:
            text = self.texts.line()
            path, has, _ = self.r.choice(self.till if self.r.random() < 0.4 else self.fonts)
            if not text or not set(text) - {" "} <= has:
                continue
            try:
                image = self.draw(text, path)
            except OSError:  # some fonts cannot be drawn
                continue
            if image is not None and 24 <= image.shape[1] <= 900:
                return image, text

    def font(self, path, size):
        if len(self.loaded) > 600:
            self.loaded.clear()
        if (path, size) not in self.loaded:
            self.loaded[path, size] = ImageFont.truetype(path, size)
        return self.loaded[path, size]

    def draw(self, text, path):
        r = self.r
        clean = r.random() < 0.38  # born digital
        size = r.choice([14, 15, 16, 17, 18, 19, 20, 22, 24, 26, 28] if clean else [14, 16, 18, 20, 22, 24, 28, 32, 40])
        ink = self.ink(text, self.font(path, size), size)
        at = np.argwhere(ink > 0.3)
        if len(at) == 0:
            return None
        strip = self.strip(ink if clean else self.spoil(ink, size), at.min(0), at.max(0) + 1, size, clean)
        return self.sheet(strip) if clean else self.paper(strip)

    def ink(self, text, font, size):
        """The text as coverage 0..1, blanks and tracking varied."""
        r = self.r
        space = font.getlength(" ") * r.choice([1, 1, 1, 0.8, 1.3, r.uniform(0.7, 1.6)])
        track = r.choice([0, 0, 0, 0, -0.03, 0.03, 0.08]) * size
        x, parts = 0, []
        for word in text.split(" "):
            for piece in word if track else [word]:
                parts.append((x, piece))
                x += font.getlength(piece) + track
            x += space
        up, down = font.getmetrics()
        width = int(x - space) + 2
        image = Image.new("L", (width + 2 * size, up + down + 2 * size), 0)
        d = ImageDraw.Draw(image)
        for x, piece in parts:
            d.text((size + x, size), piece, fill=255, font=font)
        if r.random() < 0.04:
            d.line((size, size + up + 2, size + width, size + up + 2), fill=255, width=max(1, size // 14))
        return np.asarray(image, np.float32) / 255

    def strip(self, ink, low, high, size, clean):
        """Cut out with margins like the detector's, slightly skewed, 48 pixels high."""
        r, (y0, x0), (y1, x1) = self.r, low, high
        pad = r.uniform(0.12, 0.42) * max(y1 - y0, size * 0.75)
        top, bottom = pad * r.uniform(0.6, 1.4), pad * r.uniform(0.6, 1.4)
        left, right = r.uniform(0.1, 0.6) * size, r.uniform(0.1, 0.6) * size
        wide, scale = r.choice([1, 1, 1, r.uniform(0.75, 1.3)]), 48 / (y1 - y0 + top + bottom)
        w = max(16, (math.ceil((left + right + x1 - x0) * scale * wide) + 7) // 8 * 8)
        a, slant = (0, 0) if clean else (math.radians(r.gauss(0, 0.6)), r.choice([0, 0, 0, r.uniform(-0.15, 0.15)]))
        m = np.array([[scale * wide, slant * scale], [0, scale]]) @ np.array([[math.cos(a), -math.sin(a)], [math.sin(a), math.cos(a)]])
        shift = np.array([w / 2, 24]) - m @ np.array([(x0 - left + x1 + right) / 2, (y0 - top + y1 + bottom) / 2])
        if scale < 0.8:
            ink = cv2.GaussianBlur(ink, (0, 0), 0.35 / scale)
        return cv2.warpAffine(ink, np.column_stack([m, shift]), (w, 48), flags=cv2.INTER_LINEAR)

    def spoil(self, m, size):
        r, n, k = self.r, self.np, self.r.random()
        if k < 0.30:
            return m
        if k < 0.42 and size >= 18:  # dot matrix
            p = r.choice([2, 2, 3])
            yy, xx = np.mgrid[:m.shape[0], :m.shape[1]]
            dots = (np.cos(yy * 2 * np.pi / p) + np.cos(xx * 2 * np.pi / p)) / 2 if p > 2 else (yy % 2 | xx % 2) < 1
            return np.clip(cv2.blur(m, (p, p)) * (0.35 + 0.65 * np.asarray(dots, np.float32)) * r.uniform(1, 1.4), 0, 1)
        if k < 0.58:  # thermal: broken, speckled strokes
            noise = cv2.GaussianBlur(n.standard_normal(m.shape).astype(np.float32), (0, 0), r.uniform(0.5, 1.5))
            return np.clip(m * np.clip(1 - r.uniform(0.2, 0.6) * np.maximum(noise / noise.std() - r.uniform(0, 1.2), 0) * 1.5, 0, 1), 0, 1)
        if k < 0.68:  # fat or thin
            box = np.ones((2, 2), np.uint8)
            return cv2.dilate(m, box) if r.random() < 0.6 else cv2.erode(m, box) * 0.6 + m * 0.4
        if k < 0.78:  # rows or columns missing: a dirty head
            m = m.copy()
            for _ in range(r.randint(1, 3)):
                if r.random() < 0.5:
                    m[r.randrange(m.shape[0])] *= r.uniform(0, 0.5)
                else:
                    x = r.randrange(m.shape[1])
                    m[:, x:x + r.randint(1, 2)] *= r.uniform(0, 0.5)
            return m
        if k < 0.88:  # fades along the line
            x = np.linspace(0, 1, m.shape[1], dtype=np.float32)
            return m * np.clip(1 - r.uniform(0.2, 0.7) * np.abs(np.sin(x * r.uniform(0.5, 4) + r.uniform(0, 6))), 0, 1)
        return np.clip(cv2.GaussianBlur(m, (0, 0), r.uniform(0.4, 1.1)) * 1.2, 0, 1)

    def sheet(self, m):
        """A rasterised page."""
        r = self.r
        light, dark = (255, r.choice([0, 0, 0, 0, r.uniform(0, 110)])) if r.random() < 0.85 else (r.uniform(190, 250), r.uniform(0, 60))
        if r.random() < 0.04:
            light, dark = dark, light
        return cv2.cvtColor(np.clip(light * (1 - m) + dark * m, 0, 255).astype(np.uint8), cv2.COLOR_GRAY2BGR)

    def paper(self, m):
        """A scan: tinted, uneven or dark paper, faint print, noise, blur, JPEG."""
        r, n, (h, w) = self.r, self.np, m.shape
        light = r.uniform(200, 255) if r.random() < 0.9 else r.uniform(120, 200)
        dark = min(light - 45, r.choice([r.uniform(0, 60), r.uniform(0, 60), r.uniform(60, 130), light - r.uniform(45, 90)]))
        ground = np.full((h, w), light, np.float32)
        if r.random() < 0.3:
            ground += cv2.resize(n.standard_normal((3, 8)).astype(np.float32), (w, h), interpolation=cv2.INTER_CUBIC) * r.uniform(2, 12)
        image = ground * (1 - m) + dark * m
        if r.random() < 0.5:
            image += n.standard_normal((h, w)).astype(np.float32) * r.uniform(1, 12)
        if r.random() < 0.4:
            image = cv2.GaussianBlur(image, (0, 0), r.uniform(0.3, 1.3))
        if r.random() < 0.03:
            image = 255 - image
        image = np.clip(image, 0, 255).astype(np.uint8)
        if r.random() < 0.12:
            _, image = cv2.threshold(image, 0, 255, cv2.THRESH_BINARY + cv2.THRESH_OTSU)
        image = cv2.cvtColor(image, cv2.COLOR_GRAY2BGR)
        if r.random() < 0.15:
            image = np.clip(image * n.uniform(0.85, 1, 3), 0, 255).astype(np.uint8)
        return jpeg(image, r) if r.random() < 0.35 else image


def jpeg(image, r):
    return cv2.imdecode(cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, r.randint(25, 80)])[1], 1)
