"""The workloads in PyTorch: torch_eager, and torch_script, where the model went through torch.jit.script.

The library's layers where there are such, and else a loop over the steps with the inputs projected before it.
"""

import warnings

from common import args, kind, normal, orthogonal, sequences, serve, spec, threads, vectors

import torch
import torch.nn.functional as F
from torch import Tensor, nn

warnings.filterwarnings("ignore")
torch.set_num_threads(threads)
torch.manual_seed(0)
scripted = args.program == "torch_script"


class Loop(nn.Module):
    """What the hand-written cells have in common: the weights."""

    def __init__(self, inputs: int, hidden: int, gates: int, bias: bool = True):
        super().__init__()
        self.hidden = hidden
        self.x = nn.Linear(inputs, gates * hidden, bias=bias)
        self.u = nn.Parameter(torch.cat([torch.tensor(orthogonal(hidden)) for _ in range(gates)], 1))


class PlainLstm(Loop):
    def __init__(self, inputs: int, hidden: int):
        super().__init__(inputs, hidden, 4)

    def forward(self, xs: Tensor) -> Tensor:
        h = torch.zeros(xs.shape[1], self.hidden)
        c = torch.zeros(xs.shape[1], self.hidden)
        outputs: list[Tensor] = []
        for x in self.x(xs).unbind(0):
            i, f, g, o = torch.addmm(x, h, self.u).chunk(4, 1)
            c = torch.sigmoid(f) * c + torch.sigmoid(i) * torch.tanh(g)
            h = torch.sigmoid(o) * torch.tanh(c)
            outputs.append(h)
        return torch.stack(outputs)


class Peephole(Loop):
    def __init__(self, inputs: int, hidden: int):
        super().__init__(inputs, hidden, 4)
        self.p_i = nn.Parameter(torch.full((hidden,), 0.1))
        self.p_f = nn.Parameter(torch.full((hidden,), 0.2))
        self.p_o = nn.Parameter(torch.full((hidden,), -0.1))

    def forward(self, xs: Tensor) -> Tensor:
        h = torch.zeros(xs.shape[1], self.hidden)
        c = torch.zeros(xs.shape[1], self.hidden)
        outputs: list[Tensor] = []
        for x in self.x(xs).unbind(0):
            i, f, g, o = torch.addmm(x, h, self.u).chunk(4, 1)
            i = torch.sigmoid(i + self.p_i * c)
            f = torch.sigmoid(f + self.p_f * c)
            c = f * c + i * torch.tanh(g)
            o = torch.sigmoid(o + self.p_o * c)
            h = o * torch.tanh(c)
            outputs.append(h)
        return torch.stack(outputs)


class Mgu(Loop):
    def __init__(self, inputs: int, hidden: int):
        super().__init__(inputs, hidden, 2)
        u_f, u_c = self.u.data.chunk(2, 1)
        del self.u
        self.u_f, self.u_c = nn.Parameter(u_f.contiguous()), nn.Parameter(u_c.contiguous())

    def forward(self, xs: Tensor) -> Tensor:
        h = torch.zeros(xs.shape[1], self.hidden)
        outputs: list[Tensor] = []
        for x in self.x(xs).unbind(0):
            xf, xc = x.chunk(2, 1)
            f = torch.sigmoid(torch.addmm(xf, h, self.u_f))
            c = torch.tanh(torch.addmm(xc, f * h, self.u_c))
            h = h + f * (c - h)
            outputs.append(h)
        return torch.stack(outputs)


class LayerNormLstm(Loop):
    def __init__(self, inputs: int, hidden: int):
        super().__init__(inputs, hidden, 4, bias=False)
        self.norm_x = nn.LayerNorm(4 * hidden)
        self.norm_h = nn.LayerNorm(4 * hidden)
        self.norm_c = nn.LayerNorm(hidden)

    def forward(self, xs: Tensor) -> Tensor:
        h = torch.zeros(xs.shape[1], self.hidden)
        c = torch.zeros(xs.shape[1], self.hidden)
        outputs: list[Tensor] = []
        for x in self.norm_x(self.x(xs)).unbind(0):
            i, f, g, o = (x + self.norm_h(h @ self.u)).chunk(4, 1)
            c = torch.sigmoid(f) * c + torch.sigmoid(i) * torch.tanh(g)
            h = torch.sigmoid(o) * torch.tanh(self.norm_c(c))
            outputs.append(h)
        return torch.stack(outputs)


class MinGru(nn.Module):
    """Scripted: a loop. Eager: the parallel form of the paper (Feng et al. 2024, appendix B), in logarithms.

    The paper's candidates go through g, so that they have a logarithm.
    """

    def __init__(self, inputs: int, hidden: int):
        super().__init__()
        self.hidden = hidden
        self.loop = scripted
        self.x = nn.Linear(inputs, 2 * hidden)

    def forward(self, xs: Tensor) -> Tensor:
        z, n = self.x(xs).chunk(2, 2)
        if self.loop:
            h = torch.zeros(xs.shape[1], self.hidden)
            outputs: list[Tensor] = []
            for z_t, n_t in zip(torch.sigmoid(z).unbind(0), n.unbind(0)):
                h = torch.lerp(h, n_t, z_t)
                outputs.append(h)
            return torch.stack(outputs)
        log_decay = -F.softplus(z)
        log_n = torch.where(n >= 0, (F.relu(n) + 0.5).log(), -F.softplus(-n))
        sums = log_decay.cumsum(0)
        return (sums + torch.logcumsumexp(log_n - F.softplus(-z) - sums, 0)).exp()


class LibraryLayers(nn.Module):
    """nn.RNN, nn.LSTM or nn.GRU, all layers in one."""

    def __init__(self, cell: str, inputs: int, widths: list[int]):
        super().__init__()
        assert len(set(widths)) == 1
        self.layers = {"rnn": nn.RNN, "lstm": nn.LSTM, "gru": nn.GRU}[cell](inputs, widths[0], len(widths))

    def forward(self, xs: Tensor) -> Tensor:
        return self.layers(xs)[0]


class Model(nn.Module):
    def __init__(self):
        super().__init__()
        inputs, widths = spec["I"], spec["layers"]
        custom = {"plainlstm": PlainLstm, "peephole": Peephole, "mgu": Mgu, "lnlstm": LayerNormLstm,
                  "mingru": MinGru}.get(spec["cell"])
        self.embedding = nn.Embedding(spec["vocab"], inputs) if "vocab" in spec else nn.Identity()
        self.layers = custom(inputs, widths[0]) if custom else LibraryLayers(spec["cell"], inputs, widths)
        self.head = nn.Linear(widths[-1], spec["dense"]) if spec.get("dense") else nn.Identity()
        self.last = spec.get("on") == "last"

    def forward(self, xs: Tensor) -> Tensor:
        output = self.layers(self.embedding(xs))
        return self.head(output[-1] if self.last else output)


def loss_of(output, target):
    if target is None:
        return output.square().mean()
    if target.dtype == torch.int64:
        return F.cross_entropy(output.reshape(-1, output.shape[-1]), target.reshape(-1))
    return F.mse_loss(output, target)


def training(model, inputs, target):
    inputs, target = torch.tensor(inputs), None if target is None else torch.tensor(target)
    if scripted:
        model = torch.jit.script(model)
    parameters = list(model.parameters())

    def step():
        loss = loss_of(model(inputs), target)
        return loss, torch.autograd.grad(loss, parameters)

    return step


def chain(x: Tensor, y: Tensor, links: int) -> Tensor:
    for _ in range(links):
        x = torch.tanh(x * y + y)
    return x.sum()


def products(x: Tensor, w: Tensor, count: int) -> Tensor:
    for _ in range(count):
        x = x @ w
    return x.sum()


if kind in ("seq", "custom"):
    step = training(Model(), *sequences())
elif kind == "mlp":
    sizes = spec["sizes"]
    layers = [layer for a, b in zip(sizes, sizes[1:]) for layer in (nn.Linear(a, b), nn.ReLU())]
    step = training(nn.Sequential(*layers[:-1]), *vectors())
elif kind == "tape":
    x, y = (torch.tensor(normal(spec["size"]), requires_grad=True) for _ in range(2))
    run = torch.jit.script(chain) if scripted else chain

    def step():
        return torch.autograd.grad(run(x, y, spec["iters"]), (x, y))

else:
    x, w = (torch.tensor(orthogonal(spec["n"]), requires_grad=True) for _ in range(2))
    run = torch.jit.script(products) if scripted else products

    def step():
        return torch.autograd.grad(run(x, w, spec["count"]), (x, w))


serve(step, f"torch {torch.__version__}")
