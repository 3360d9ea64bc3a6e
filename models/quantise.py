"""Turns the heavy convolutions of the recogniser into 8-bit ones, and back.

Left in float, because they cost accuracy and little time: depthwise
convolutions, squeeze-and-excite gates, the last three (the neck) and those in
SENSITIVE. Weights use seven bits, so that processors without VNNI, which add
pairs of products in 16 bits, cannot overflow.
"""
import logging
import random

import cv2
import numpy as np
import onnx
import onnxruntime as ort
from onnx import numpy_helper
from onnxruntime.quantization import CalibrationDataReader, CalibrationMethod, QuantFormat, QuantType, quantize_static

import lines
import truth


# Indices of convolutions that, made 8-bit alone, shift the posteriors most: those
# of the stem. (26 and 34 came next; since the fine-tuning 8 bits cost them nothing.)
SENSITIVE = (0, 1, 2, 4)


class Strips(CalibrationDataReader):
    """Lines cut from receipts (SROIE, CC BY 4.0) and rendered text."""

    def __init__(self, detector):
        self.items = iter(strips(detector))

    def get_next(self):
        x = next(self.items, None)
        return None if x is None else {"x": x}


def strips(detector):
    rng = random.Random(1)
    find = lines.Finder(detector)
    files = []
    for r in truth.labels("sroie"):
        if truth.fold(r["vendor"]) not in truth.HELD and r["id"].endswith("7"):
            files.append(truth.DATA / "sroie" / r["file"])
    out = []
    for f in files:
        image = cv2.imread(str(f))
        boxes = find(image)
        for b in rng.sample(boxes, min(10, len(boxes))):
            strip = lines.crop(image, b)
            if strip.shape[1] <= 800:
                out.append((strip.astype(np.float32) / 127.5 - 1).transpose(2, 0, 1)[None])
    for text in lines.GERMAN:
        out.append((lines.render(text).astype(np.float32) / 127.5 - 1).transpose(2, 0, 1)[None])
    return out


def fold(src, dst):
    """Folds biases and norms into the convolutions and fuses GELU. The two optimisers left out would hide nodes from the quantiser."""
    opts = ort.SessionOptions()
    opts.log_severity_level = 3
    opts.graph_optimization_level = ort.GraphOptimizationLevel.ORT_ENABLE_EXTENDED
    opts.optimized_model_filepath = str(dst)
    ort.InferenceSession(str(src), opts, disabled_optimizers=["ConvActivationFusion", "QuickGeluFusion"])


def restore(src, dst):
    """The opposite of quantise: the net in float, with the weights as they were rounded."""
    model = onnx.load(src)
    g = model.graph
    stored = {t.name: t for t in g.initializer}
    value = lambda name: numpy_helper.to_array(stored[name]).astype(np.float32)
    same, nodes, convolved = {}, [], {o for n in g.node if n.op_type == "Conv" for o in n.output}
    for n in g.node:
        if n.op_type == "DequantizeLinear" and n.input[0] in stored:
            q, scale, zero = (value(x) for x in n.input)
            if scale.size > 1:
                axis = next((a.i for a in n.attribute if a.name == "axis"), 1)
                scale, zero = (v.reshape([-1 if i == axis else 1 for i in range(q.ndim)]) for v in (scale, zero))
            g.initializer.append(numpy_helper.from_array(((q - zero) * scale).astype(np.float32), n.output[0]))
        elif n.op_type == "DequantizeLinear":
            same[n.output[0]] = n.input[0]
        elif n.op_type == "QuantizeLinear" and value(n.input[2]) == 0 and n.input[0] in convolved:
            # Nothing below zero can be stored: the quantiser has dropped a ReLU here.
            nodes.append(onnx.helper.make_node("Relu", [n.input[0]], [n.output[0]]))
            g.value_info.append(onnx.helper.make_tensor_value_info(n.output[0], onnx.TensorProto.FLOAT, None))
        elif n.op_type == "QuantizeLinear":
            same[n.output[0]] = n.input[0]
        else:
            nodes.append(n)
    for n in nodes:
        for i, x in enumerate(n.input):
            while x in same:
                x = same[x]
            n.input[i] = x
    used = {x for n in nodes for x in n.input}
    kept = [t for t in g.initializer if t.name in used]
    known = [v for v in g.value_info if v.name not in same and v.name not in {t.name for t in kept}]
    for field, items in ((g.node, nodes), (g.initializer, kept), (g.value_info, known)):
        items = [type(x).FromString(x.SerializeToString()) for x in items]
        del field[:]
        field.extend(items)
    onnx.save(model, dst)


def rounded(graph):
    """The nodes that become 8-bit: the heavy convolutions, each with the ReLU after it."""
    dims = {t.name: t.dims for t in graph.initializer}
    convs = [n for n in graph.node if n.op_type == "Conv"]
    pooled = {o for n in graph.node if n.op_type == "ReduceMean" for o in n.output}
    heavy = [n for i, n in enumerate(convs[:-3]) if dims[n.input[1]][1] > 1 and n.input[0] not in pooled and i not in SENSITIVE]
    made = {n.output[0] for n in heavy}
    return heavy + [n for n in graph.node if n.op_type == "Relu" and n.input[0] in made]


def quantise(src, dst, detector, work, ranges=None):
    """Ranges of activations, least and most by the tensor's name, come from lines unless they are given."""
    logging.disable(logging.WARNING)
    fold(src, work / "folded.onnx")
    graph = onnx.load(work / "folded.onnx").graph
    kept = {n.name for n in graph.node} - {n.name for n in rounded(graph)}
    given = {k: [{"rmin": np.float32(lo), "rmax": np.float32(hi)}] for k, (lo, hi) in (ranges or {}).items()}
    quantize_static(str(work / "folded.onnx"), str(dst), Strips(detector), quant_format=QuantFormat.QDQ,
                    op_types_to_quantize=["Conv", "Relu"], per_channel=True, reduce_range=True,
                    activation_type=QuantType.QUInt8, weight_type=QuantType.QInt8,
                    calibrate_method=CalibrationMethod.MinMax, nodes_to_exclude=sorted(kept),
                    extra_options={"TensorQuantOverrides": given})
