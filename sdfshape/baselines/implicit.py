"""Networks that learn from the points alone, by the equation |grad f| = 1, which they aim at and do not keep: SIREN and IGR without
normals.

Both know on which points f is 0, and nothing of sides: that the outside is positive is hoped for from the start (IGR's ball) or from
nothing (SIREN); what comes out may be turned inside out or hollow. So the sign is chosen afterwards: the walls of the domain are outside.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from scipy.spatial import cKDTree
from torch import Tensor, nn

from ..frame import Frame
from ..losses import hkr_loss
from ..types import FloatArray
from .budget import Budget
from .descent import descend, halve_rates
from .networks import SirenNet, SLLNet, SoftplusNet, count_parameters, evaluate_net
from .score_field import ScoreField
from .supervision import evidence_of

SIREN_BATCH, IGR_BATCH, SLL_BATCH = 4096, 2048, 200
NEIGHBOUR = 50  # IGR's local sigma: the distance to the 50th neighbour
SLL_MARGIN, SLL_WEIGHT = 0.01, 100.0  # Coiffier and Bethune 2024, section 5
SLL_PLACES = 300_000
Loss = Callable[[nn.Module, Tensor, Tensor], Tensor]


def fit_siren(points_unit: FloatArray, frame: Frame, *, budget: Budget, width: int = 256, depth: int = 4, seed: int = 0) -> ScoreField:
    """SIREN without normals (Sitzmann et al. 2020, equation 5 without its third term; weights of their code: 3000, 50, 100)."""
    torch.manual_seed(seed)

    def loss(net: nn.Module, surface: Tensor, places: Tensor) -> Tensor:
        value, slope = _with_slope(net, places)
        return 3e3 * net(surface).abs().mean() + 50 * (slope - 1).abs().mean() + 100 * torch.exp(-100 * value.abs()).mean()

    return _fit(SirenNet(width, depth), points_unit, frame, budget, loss, 1e-4, SIREN_BATCH, local=False, seed=seed)


def fit_igr(points_unit: FloatArray, frame: Frame, *, budget: Budget, width: int = 512, depth: int = 8, seed: int = 0) -> ScoreField:
    """IGR without normals (Gropp et al. 2020, equation 2, lambda .1): half of its places are beside the points."""
    torch.manual_seed(seed)

    def loss(net: nn.Module, surface: Tensor, places: Tensor) -> Tensor:
        return net(surface).abs().mean() + 0.1 * ((_with_slope(net, places)[1] - 1) ** 2).mean()

    return _fit(SoftplusNet(width, depth), points_unit, frame, budget, loss, 5e-3, IGR_BATCH, local=True, seed=seed)


def fit_sll(points_unit: FloatArray, frame: Frame, *, budget: Budget, width: int = 128, depth: int = 20, seed: int = 0) -> ScoreField:
    """The recipe of Coiffier and Bethune 2024 (20 SLL layers of 128, hKR, batches of 200) on the signs of our evidence; theirs need
    normals.

    It is 1-Lipschitz in exact arithmetic; here it stands among the fields of which nothing is proven.
    """
    torch.manual_seed(seed)
    rng, evidence = torch.Generator().manual_seed(seed), evidence_of(points_unit, SLL_PLACES, seed)
    sides = [torch.as_tensor(side[:, :3]) for side in (evidence.inside, evidence.outside)]
    net = SLLNet(width, depth)
    optimizer, steps = torch.optim.Adam(net.parameters(), 5e-4), 0
    for _ in budget.progress():
        inside, outside = (net(side[torch.randint(len(side), (SLL_BATCH,), generator=rng)]) for side in sides)
        descend(optimizer, hkr_loss(inside, outside, margin=SLL_MARGIN, weight=SLL_WEIGHT) / 2)
        steps += 1
    return ScoreField(
        lambda x: evaluate_net(net, x), frame, True, count_parameters(net), {"steps": steps, "supervision": "cloud and evidence"}
    )


def _fit(
    net: nn.Module, points: FloatArray, frame: Frame, budget: Budget, loss: Loss, rate: float, batch: int, *, local: bool, seed: int
) -> ScoreField:
    rng = torch.Generator().manual_seed(seed)
    surface = torch.as_tensor(points, dtype=torch.float32)
    sigma = torch.as_tensor(cKDTree(points).query(points, k=min(NEIGHBOUR, len(points)), workers=-1)[0][:, -1:], dtype=torch.float32)
    optimizer, steps = torch.optim.Adam(net.parameters(), rate), 0
    for used in budget.progress():
        if local:
            halve_rates(optimizer, [rate], used)
        rows = torch.randint(len(surface), (batch,), generator=rng)
        places = 2 * torch.rand(batch, 3, generator=rng) - 1
        if local:
            places[: batch // 2] = surface[rows[: batch // 2]] + sigma[rows[: batch // 2]] * torch.randn(batch // 2, 3, generator=rng)
        descend(optimizer, loss(net, surface[rows], places))
        steps += 1
    sign = _sign(net)
    return ScoreField(lambda x: sign * evaluate_net(net, x), frame, True, count_parameters(net), {"steps": steps, "supervision": "nothing"})


def _with_slope(net: nn.Module, places: Tensor) -> tuple[Tensor, Tensor]:
    places = places.requires_grad_()
    value = net(places)
    (gradient,) = torch.autograd.grad(value.sum(), places, create_graph=True)
    return value, gradient.norm(dim=-1)


def _sign(net: nn.Module) -> float:
    """-1 for a network that is negative on most of the walls of the domain."""
    wall = 2 * torch.rand(6000, 3, generator=torch.Generator().manual_seed(0)) - 1
    rows = torch.arange(6000)
    wall[rows, rows % 3] = 2.0 * (rows % 2) - 1
    with torch.inference_mode():
        return 1.0 if float(net(wall).median()) >= 0 else -1.0
