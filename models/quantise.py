"""Turns the backbone of the recogniser into 8-bit operations, and back.

Left in float: the gates (squeeze and excite), which are a few numbers a line, and the neck. The stem is not: ONNX
Runtime rounds a convolution between 8-bit tensors all the same, and more coarsely. Weights use seven bits, so
that processors without VNNI, which add pairs of products in 16 bits, cannot overflow. GELU is x·σ(1.702x) here, which
8-bit operations have: σ by a table, and a product.
"""
import logging

import numpy as np
import onnx
import onnxruntime as ort
from onnx import helper, numpy_helper
from onnxruntime.quantization import CalibrationDataReader, CalibrationMethod, QuantFormat, QuantType, quantize_static


def fold(src, dst):
    """Folds biases and norms into the convolutions and fuses GELU. The two optimisers left out would hide nodes from the quantiser."""
    opts = ort.SessionOptions()
    opts.log_severity_level = 3
    opts.graph_optimization_level = ort.GraphOptimizationLevel.ORT_ENABLE_EXTENDED
    opts.optimized_model_filepath = str(dst)
    ort.InferenceSession(str(src), opts, disabled_optimizers=["ConvActivationFusion", "QuickGeluFusion"])


def rounded(graph):
    """The nodes that become 8-bit: all convolutions of the backbone but those of gates, the ReLU after them and the sums between blocks."""
    convolutions = [n for n in graph.node if n.op_type == "Conv"]
    apart = {n.output[0] for n in convolutions[-3:]}  # the neck
    for n in graph.node:
        if n.op_type == "ReduceMean" or n.op_type in ("Conv", "Relu") and n.input[0] in apart:
            apart.add(n.output[0])
    whole = [n for n in convolutions if n.output[0] not in apart]
    made = {n.output[0] for n in whole}
    return whole + [n for n in graph.node if n.op_type == "Relu" and n.input[0] in made or n.op_type == "Add" and n.input[1] in made]


class Nothing(CalibrationDataReader):
    """One empty line: all ranges are known."""

    def __init__(self):
        self.items = iter([{"x": np.zeros((1, 3, 48, 64), np.float32)}])

    def get_next(self):
        return next(self.items, None)


def quantise(src, dst, ranges):
    """ranges has the least and the most of each tensor that is rounded, by its name; raises ValueError where one is missing."""
    logging.disable(logging.WARNING)
    graph = onnx.load(src).graph
    kept = {n.name for n in graph.node} - {n.name for n in rounded(graph)}
    given = {k: [{"rmin": np.float32(low), "rmax": np.float32(high)}] for k, (low, high) in ranges.items()}
    quantize_static(str(src), str(dst), Nothing(), quant_format=QuantFormat.QDQ, op_types_to_quantize=["Conv", "Relu", "Add"],
                    per_channel=True, reduce_range=True, activation_type=QuantType.QUInt8, weight_type=QuantType.QInt8,
                    calibrate_method=CalibrationMethod.MinMax, nodes_to_exclude=sorted(kept),
                    extra_options={"TensorQuantOverrides": given})
    model = onnx.load(dst)
    if unknown := {n.input[0] for n in model.graph.node if n.op_type == "QuantizeLinear"} - set(ranges):
        raise ValueError(f"no range is known of {', '.join(sorted(unknown))}")
    gelus(model.graph)
    onnx.save(model, dst)


def gelus(graph):
    """Puts 8-bit operations where x·σ(1.702x) stands between 8-bit tensors."""
    made = {o: n for n in graph.node for o in n.output}
    value = {t.name: numpy_helper.to_array(t) for t in graph.initializer}
    nodes, gone = [], []
    for n in graph.node:
        if n.op_type != "QuickGelu":
            nodes.append(n)
            continue
        x, y = made[n.input[0]], next(m for m in graph.node if m.op_type == "QuantizeLinear" and m.input[0] == n.output[0])
        steep, unit, zero = (n.output[0] + k for k in ("_steep", "_unit", "_zero"))  # the table is made for 1.702x
        for name, v in ((steep, np.float32(1.702) * value[x.input[1]]), (unit, np.float32(1 / 255)), (zero, np.uint8(0))):
            graph.initializer.append(numpy_helper.from_array(np.array(v), name))
        share = n.output[0] + "_share"
        nodes += [helper.make_node("QLinearSigmoid", [x.input[0], steep, x.input[2], unit, zero], [share], n.name + "_sigmoid", domain="com.microsoft"),
                  helper.make_node("QLinearMul", [*x.input, share, unit, zero, *y.input[1:]], y.output, n.name + "_product", domain="com.microsoft")]
        gone += [x, y]
    replace(graph.node, [n for n in nodes if n not in gone])


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
            nodes.append(helper.make_node("Relu", [n.input[0]], [n.output[0]]))
            g.value_info.append(helper.make_tensor_value_info(n.output[0], onnx.TensorProto.FLOAT, None))
        elif n.op_type == "QuantizeLinear":
            same[n.output[0]] = n.input[0]
        elif n.op_type == "QLinearMul":
            nodes.append(helper.make_node("QuickGelu", n.input[:1], n.output, n.name, domain="com.microsoft"))
        elif n.op_type != "QLinearSigmoid":
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
        replace(field, items)
    onnx.save(model, dst)


def replace(field, items):
    items = [type(x).FromString(x.SerializeToString()) for x in items]
    del field[:]
    field.extend(items)
