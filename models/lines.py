"""Finds and cuts text lines, roughly as the product does; for calibration and training only."""
import math

import cv2
import numpy as np
import onnxruntime as ort
from PIL import Image, ImageDraw, ImageFont

GERMAN = ["Rechnungsbetrag brutto 1.234,56 €", "Müller & Söhne GmbH, Straße 12", "Zwischensumme zzgl. 19 % USt.",
          "IBAN DE89 3704 0044 0532 0130 00", "Lieferdatum: 03.11.2026 · Übergröße", "Façade à côté, über Ñandú, Øresund",
          "Fällig bis 30.11.2026 ohne Abzug", "Kč 1 250,00 – Žižkov, Łódź, Győr"]


class Finder:
    def __init__(self, path):
        self.net = ort.InferenceSession(str(path))

    def __call__(self, image, side=960, unclip=1.8, keep=0.5, ink=0.3):
        """Boxes (cx, cy, w, h, degrees) of the lines in a BGR image."""
        h, w = image.shape[:2]
        r = min(1, side / max(h, w))
        tw, th = max(32, round(w * r / 32) * 32), max(32, round(h * r / 32) * 32)
        x = cv2.resize(image, (tw, th)).astype(np.float32) / 255
        x = (x - [0.485, 0.456, 0.406]) / [0.229, 0.224, 0.225]
        p = self.net.run(None, {"x": x.transpose(2, 0, 1)[None].astype(np.float32)})[0][0, 0]
        contours, _ = cv2.findContours((p > ink).astype(np.uint8), cv2.RETR_LIST, cv2.CHAIN_APPROX_SIMPLE)
        boxes = []
        for c in contours:
            (cx, cy), (bw, bh), a = cv2.minAreaRect(c)
            if min(bw, bh) < 3:
                continue
            mask = np.zeros(p.shape, np.uint8)
            cv2.fillPoly(mask, [cv2.boxPoints(((cx, cy), (bw, bh), a)).astype(np.int32)], 1)
            if not mask.any() or p[mask > 0].mean() < keep:
                continue
            if a > 45:
                a, bw, bh = a - 90, bh, bw
            elif a < -45:
                a, bw, bh = a + 90, bh, bw
            d = bw * bh * unclip / (2 * (bw + bh))
            boxes.append((cx * w / tw, cy * h / th, (bw + 2 * d) * w / tw, (bh + 2 * d) * h / th, a))
        return boxes


def crop(image, box):
    """The line as a strip 48 pixels high."""
    cx, cy, bw, bh, a = box
    c, s = math.cos(math.radians(a)), math.sin(math.radians(a))
    corners = np.float32([[cx + (-bw * c + bh * s) / 2, cy + (-bw * s - bh * c) / 2],
                          [cx + (bw * c + bh * s) / 2, cy + (bw * s - bh * c) / 2],
                          [cx + (-bw * c - bh * s) / 2, cy + (-bw * s + bh * c) / 2]])
    w = (min(3200, max(16, math.ceil(48 * bw / bh))) + 7) // 8 * 8
    m = cv2.getAffineTransform(corners, np.float32([[0, 0], [w, 0], [0, 48]]))
    return cv2.warpAffine(image, m, (w, 48), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)


def render(text, size=30):
    """Clean black on white, for characters that the receipts lack."""
    font = ImageFont.load_default(size)
    x0, _, x1, _ = font.getbbox(text)
    image = Image.new("RGB", ((x1 - x0 + 19) // 8 * 8, 48), "white")
    ImageDraw.Draw(image).text((6 - x0, 5), text, font=font, fill=(20, 20, 20))
    return np.asarray(image)[:, :, ::-1]
