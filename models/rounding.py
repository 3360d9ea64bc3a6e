"""What eight bits do to the net, in torch: the rounding of its tensors and weights, and scales that make it small."""
import collections

import torch

SHRINK = (1, 0.9, 0.8, 0.7, 0.6, 0.5, 0.4, 0.3)  # ends of ranges that are tried, as shares of the utmost values
SEEN = 2000  # values of a tensor and a batch that ranges are chosen by


class Straight(torch.autograd.Function):
    """Rounds to multiples of scale, with the gradient as if it had not, but none beyond the ends. (torch's own goes value by value.)"""

    @staticmethod
    def forward(ctx, value, scale, low, high):
        v = value * (1 / scale)
        ctx.save_for_backward((v >= low - 0.5) & (v <= high + 0.5))
        return v.round_().clamp_(low, high).mul_(scale)

    @staticmethod
    def backward(ctx, grad):
        return grad * ctx.saved_tensors[0], None, None, None


def weights(w):
    """As quantise stores them: seven bits an output channel."""
    scale = w.detach().abs().flatten(1).amax(1).clamp(min=1e-8) / 64
    return Straight.apply(w, scale.reshape([-1] + [1] * (w.dim() - 1)), -64, 64)


def between(value, low, high):
    """As eight bits from low to high hold it."""
    scale = max(high - low, 1e-6) / 255
    zero = round(-low / scale)
    return Straight.apply(value, scale, -zero, 255 - zero)


class Rounding:
    """Rounds the tensors and the weights of the given nodes, tensors between ranges that it has learned."""

    def __init__(self, graph, nodes):
        self.convolutions = {n.name for n in nodes if n.op_type == "Conv"}
        relus = {n.input[0] for n in nodes if n.op_type == "Relu"}  # one with the convolution before
        made = {graph.input, *(o for n in graph.nodes for o in n.output if n.op_type != "MaxPool")}
        self.tensors = {k for n in nodes for k in (*n.input, *n.output) if k in made} - relus
        self.ranges, self.seen = {graph.input: (-1.0, 1.0)}, None

    def __call__(self, name, value):
        if name not in self.tensors:
            return value
        if self.seen is None:
            return between(value, *self.ranges[name])
        flat = value.flatten()
        self.seen[name].append(flat[torch.randint(len(flat), (SEEN,))])
        return value

    def learn(self, runs):
        """Chooses the ranges with the least error of the values that the runs, functions without arguments, have rounded."""
        self.seen = collections.defaultdict(list)
        for run in runs:
            run()
        seen, self.seen = self.seen, None
        for name, values in seen.items():
            v = torch.cat(values)
            low, high = min(0.0, v.min().item()), max(1e-6, v.max().item())
            tried = [(low * a, high * b) for a in (SHRINK if low < -0.01 * high else (1,)) for b in SHRINK]
            self.ranges[name] = min(tried, key=lambda r: ((between(v, *r) - v) ** 2).sum().item())


def equalise(nodes, weights, tops, rounding):
    """The weights of the same net with the channels of its tensors scaled so that all reach about as far, and eight bits
    between common ends hold more of them (Nagel et al., "Data-free quantization through weight equalization", ICCV 2019);
    where weights of several channels share a scale, half way between even tensors and even weights (Xiao et al.,
    "SmoothQuant", ICML 2023). tops has the utmost value of each channel of the tensors that are rounded."""
    group, joined = tied(nodes), {n.output[0]: n.input for n in nodes if n.op_type == "Concat"}
    curved = {group(x) for n in nodes if n.op_type in ("Gelu", "QuickGelu", "HardSigmoid") for x in (n.input[0], n.output[0])}
    convolutions = [n for n in nodes if n.op_type == "Conv"]

    def columns(n):
        inputs = joined.get(n.input[0], n.input[:1])
        each = weights[n.input[1]].shape[1] // len(inputs)
        return [(group(x), slice(i * each, (i + 1) * each)) for i, x in enumerate(inputs)]

    reach, heavy = collections.defaultdict(list), collections.defaultdict(list)
    for name, top in tops.items():
        if group(name) not in curved and name not in joined:
            reach[group(name)].append(logs(top))
    for n in convolutions:
        w = weights[n.input[1]]
        if n.name in rounding.convolutions and w.shape[1] > 1:
            for k, part in columns(n):
                heavy[k].append(logs(w[:, part].abs().amax((0, 2, 3))))
    mean = lambda logarithms: torch.stack(logarithms).mean(0)
    scales = {k: ((mean(heavy[k]) - mean(v)) / 2 if k in heavy else -mean(v)).exp() for k, v in reach.items()}
    out = dict(weights)
    for n in convolutions:
        w, made = out[n.input[1]].clone(), scales.get(group(n.output[0]))
        if made is not None:
            w *= made[:, None, None, None]
            out[n.input[2]] = out[n.input[2]] * made
        for k, part in columns(n):
            if k in scales:
                w[:, part] /= scales[k][:, None, None, None] if w.shape[1] == 1 else scales[k][:, None, None]
        out[n.input[1]] = w
    return out


def tied(nodes):
    """A function from tensors to groups of them whose channels can only be scaled alike."""
    up = {}

    def group(x):
        while x in up:
            x = up[x]
        return x

    for n in nodes:
        if n.op_type in ("Add", "Mul", "Relu", "MaxPool", "AveragePool", "ReduceMean"):
            for x in n.input if n.op_type == "Add" else n.input[:1]:
                if group(x) != group(n.output[0]):
                    up[group(x)] = group(n.output[0])
    return group


def logs(top):
    """Logarithms about their mean; what hardly stirs counts as a thousandth of the utmost."""
    v = top.clamp(min=1e-3 * top.max().item()).log()
    return v - v.mean()
