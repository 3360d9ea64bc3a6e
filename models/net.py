"""Runs the recogniser's folded ONNX graph in torch, with its weights as parameters, and writes them back into the graph."""
import numpy as np
import onnx
import torch
import torch.nn.functional as F
from onnx import numpy_helper

import rounding


class Net(torch.nn.Module):
    """The graph up to its logits. Parameters first used before node number `frozen` do not learn."""

    def __init__(self, path, frozen=0):
        super().__init__()
        self.model = onnx.load(path)
        self.nodes = list(self.model.graph.node)
        self.attributes = [{a.name: onnx.helper.get_attribute_value(a) for a in n.attribute} for n in self.nodes]
        self.first = {}  # node that uses a name first
        for i, n in enumerate(self.nodes):
            for x in n.input:
                self.first.setdefault(x, i)
        self.fixed, self.names = {}, {}
        for t in self.model.graph.initializer:
            a = numpy_helper.to_array(t)
            if a.dtype == np.float32 and a.size > 8:
                self.names[t.name] = f"p{len(self.names)}"
                learns = self.first[t.name] >= frozen
                self.register_parameter(self.names[t.name], torch.nn.Parameter(torch.from_numpy(a.copy()), requires_grad=learns))
            else:
                self.fixed[t.name] = torch.from_numpy(a.copy())
        self.input = self.model.graph.input[0].name
        end = max(i for i, n in enumerate(self.nodes) if n.op_type == "Add") + 1
        self.whole = Unit(self, 0, end)

    def parameter(self, name):
        return getattr(self, self.names[name])

    def forward(self, x):
        return self.whole(x, {k: self.parameter(k) for k in self.names})[self.whole.made]

    def save(self, path, weights):
        """Writes the graph with the given weights (by the parameter's name here)."""
        out = onnx.ModelProto()
        out.CopyFrom(self.model)
        for t in out.graph.initializer:
            if t.name in self.names:
                t.CopyFrom(numpy_helper.from_array(weights[self.names[t.name]].detach().float().numpy(), t.name))
        onnx.save(out, path)


class Unit:
    """A stretch of the graph that takes one tensor and gives one."""

    def __init__(self, full, start, end):
        self.nodes, self.attributes, self.fixed = full.nodes[start:end], full.attributes[start:end], full.fixed
        self.given, self.made = self.nodes[0].input[0], self.nodes[-1].output[0]
        self.names = [x for n in self.nodes for x in n.input if x in full.names]

    def __call__(self, x, weights, eight=None):
        """All tensors of the unit, by name; rounded as told by eight."""
        values = {self.given: x}
        for n, a in zip(self.nodes, self.attributes):
            inputs = [values[k] if k in values else weights[k] if k in weights else self.fixed[k] for k in n.input if k]
            if eight and n.name in eight.convolutions:
                inputs[1] = rounding.weights(inputs[1])
            out = operate(n.op_type, a, inputs)
            values.update(zip(n.output, out if isinstance(out, tuple) else (out,)))
            if eight:
                values[n.output[0]] = eight(n.output[0], values[n.output[0]])
        return values


def operate(kind, a, x):
    if kind in SIMPLE:
        return SIMPLE[kind](*x)
    return globals()["op_" + kind](a, x)


SIMPLE = {
    "Add": torch.add, "Mul": torch.mul, "Relu": F.relu, "Gelu": F.gelu, "Sigmoid": torch.sigmoid, "MatMul": torch.matmul,
    "QuickGelu": lambda x: x * rounding.between(torch.sigmoid(1.702 * x), 0, 1),
    "Reshape": lambda x, s: x.reshape([x.shape[i] if d == 0 else d for i, d in enumerate(s.tolist())]),
}


def op_Conv(a, x):
    (top, left, bottom, right), bias = padding(a, x[0]), x[2] if len(x) > 2 else None
    if (top, left) != (bottom, right):
        x[0], top, left = F.pad(x[0], (left, right, top, bottom)), 0, 0
    return F.conv2d(x[0], x[1], bias, tuple(a["strides"]), (top, left), 1, a.get("group", 1))


def padding(a, x):
    """Rows and columns to add: top, left, bottom, right."""
    if a.get("auto_pad", b"NOTSET") != b"SAME_UPPER":
        return a.get("pads", [0, 0, 0, 0])
    total = [max((-(-n // s) - 1) * s + k - n, 0) for n, s, k in zip(x.shape[2:], a["strides"], a["kernel_shape"])]
    return [t // 2 for t in total] + [t - t // 2 for t in total]


def op_MaxPool(a, x):
    top, left, bottom, right = padding(a, x[0])
    return F.max_pool2d(F.pad(x[0], (left, right, top, bottom), value=float("-inf")), a["kernel_shape"], a["strides"], ceil_mode=bool(a.get("ceil_mode", 0)))


def op_AveragePool(a, x):
    return F.avg_pool2d(x[0], a["kernel_shape"], a["strides"], ceil_mode=bool(a.get("ceil_mode", 0)))


def op_HardSigmoid(a, x):
    return torch.clamp(x[0] * a.get("alpha", 0.2) + a.get("beta", 0.5), 0, 1)


def op_Softmax(a, x):
    return x[0].softmax(a.get("axis", -1))


def op_LayerNormalization(a, x):
    return F.layer_norm(x[0], (x[0].shape[-1],), x[1], x[2], a.get("epsilon", 1e-5))


def op_FusedMatMul(a, x):
    left = x[0].transpose(-1, -2) if a.get("transA") else x[0]
    right = x[1].transpose(-1, -2) if a.get("transB") else x[1]
    return torch.matmul(left, right) * a.get("alpha", 1.0)


def op_Split(a, x):
    return torch.split(x[0], x[1].tolist(), a.get("axis", 0))


def op_Transpose(a, x):
    return x[0].permute(*a["perm"])


def op_Concat(a, x):
    return torch.cat(x, a["axis"])


def op_ReduceMean(a, x):
    return x[0].mean(dim=tuple(a["axes"]), keepdim=bool(a.get("keepdims", 1)))


def op_Shape(a, x):
    return torch.tensor(x[0].shape)[a.get("start", 0):a.get("end")]


def op_Slice(a, x):
    axes = x[3].tolist() if len(x) > 3 else range(len(x[1]))
    steps = x[4].tolist() if len(x) > 4 else [1] * len(x[1])
    index = [slice(None)] * x[0].dim()
    for start, end, axis, step in zip(x[1].tolist(), x[2].tolist(), axes, steps):
        index[axis] = slice(start, end if end < 2 ** 31 - 1 else None, step)
    return x[0][tuple(index)]


def op_Squeeze(a, x):
    return x[0].squeeze(tuple(x[1].tolist()))


def op_Unsqueeze(a, x):
    for axis in sorted(x[1].tolist()):
        x[0] = x[0].unsqueeze(axis)
    return x[0]
