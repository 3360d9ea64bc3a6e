"""Runs the recogniser's ONNX graph in torch, with its weights as parameters, and writes them back into the graph."""
import numpy as np
import onnx
import torch
import torch.nn.functional as F
from onnx import numpy_helper

GELU = ["Div", "Erf", "Add", "Mul", "Mul"]


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
        statistics = {x for n in self.nodes if n.op_type == "BatchNormalization" for x in n.input[3:]}
        self.fixed, self.names = {}, {}
        for t in self.model.graph.initializer:
            a = numpy_helper.to_array(t)
            if a.dtype == np.float32 and a.size > 8 and t.name not in statistics:
                self.names[t.name] = f"p{len(self.names)}"
                learns = self.first[t.name] >= frozen
                self.register_parameter(self.names[t.name], torch.nn.Parameter(torch.from_numpy(a.copy()), requires_grad=learns))
            else:
                self.fixed[t.name] = torch.from_numpy(a.copy())
        for n, a in zip(self.nodes, self.attributes):
            if n.op_type == "Constant":
                self.fixed[n.output[0]] = torch.from_numpy(numpy_helper.to_array(a["value"]).copy())
        self.input = self.model.graph.input[0].name
        self.logits = next(n for n in reversed(self.nodes) if n.op_type == "Add").output[0]

    def forward(self, x):
        values = {self.input: x}

        def get(name):
            if name in values:
                return values[name]
            return getattr(self, self.names[name]) if name in self.names else self.fixed[name]

        i = 0
        while self.logits not in values:
            n, a = self.nodes[i], self.attributes[i]
            if [m.op_type for m in self.nodes[i:i + 5]] == GELU:
                values[self.nodes[i + 4].output[0]] = F.gelu(get(n.input[0]))
                i += 5
            elif n.op_type == "Constant":
                i += 1
            else:
                values[n.output[0]] = operate(n.op_type, a, [get(k) for k in n.input if k])
                i += 1
        return values[self.logits]

    def save(self, path, weights):
        """Writes the graph with the given weights (by the parameter's name here)."""
        out = onnx.ModelProto()
        out.CopyFrom(self.model)
        for t in out.graph.initializer:
            if t.name in self.names:
                t.CopyFrom(numpy_helper.from_array(weights[self.names[t.name]].detach().float().numpy(), t.name))
        onnx.save(out, path)


def operate(kind, a, x):
    if kind in SIMPLE:
        return SIMPLE[kind](*x)
    return globals()["op_" + kind](a, x)


SIMPLE = {
    "Add": torch.add, "Sub": torch.sub, "Mul": torch.mul, "Div": torch.div, "Pow": torch.pow, "Sqrt": torch.sqrt,
    "Relu": F.relu, "Sigmoid": torch.sigmoid, "MatMul": torch.matmul,
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


def op_Transpose(a, x):
    return x[0].permute(*a["perm"])


def op_Concat(a, x):
    return torch.cat(x, a["axis"])


def op_ReduceMean(a, x):
    return x[0].mean(dim=tuple(a["axes"]), keepdim=bool(a.get("keepdims", 1)))


def op_BatchNormalization(a, x):
    return F.batch_norm(x[0], x[3], x[4], x[1], x[2], False, 0.0, a.get("epsilon", 1e-5))


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
