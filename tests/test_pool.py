"""Batches of labelled places: labels stay right along the walk, and the same seed gives the same places."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from sdfshape.lipschitz import Boxes, split_boxes
from sdfshape.sample import Evidence
from sdfshape.train.pool import SamplePool

BATCH = 64


def evidence(count: int = 500, reach: float = 0.1) -> Evidence:
    """Inside below z = 0, outside above, far apart; every third place may not move."""
    rng = np.random.default_rng(0)
    places = rng.uniform(-0.95, 0.95, (2, count, 3))
    places[0, :, 2], places[1, :, 2] = -np.abs(places[0, :, 2]) - 0.03, np.abs(places[1, :, 2]) + 0.03
    way = np.where(np.arange(count) % 3, reach, 0.0)[None, :, None].repeat(2, 0)
    rows = np.clip(np.concatenate([places, way, np.abs(places[..., 2:])], axis=2), -1, 1).astype(np.float32)
    return Evidence(rows[0], rows[1])


def boxes(count: int = 1) -> Boxes:
    return split_boxes(np.random.default_rng(1).uniform(-0.8, 0.8, (400, 3)), count)


def pool(seed: int = 0, count: int = 1, walk: bool = True, reach: float = 0.1) -> SamplePool:
    return SamplePool(
        evidence(reach=reach), boxes(count), BATCH * count, walk=walk, walked=4,
        generator=torch.Generator().manual_seed(seed), device=torch.device("cpu"),
    )  # fmt: skip


def starts(supply: SamplePool) -> torch.Tensor:
    """Where the walkers of the last batch stand."""
    return supply._fresh[:, :, : supply.walkers].clone()


def to_unit(u: torch.Tensor, b: Boxes) -> torch.Tensor:
    return u * b.scale[:, None, None] + b.centre[:, None]


def steep(u: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """A field that is right everywhere and asks for far too long steps: f = 5 z with a gradient as if it were 0.2 z."""
    f, gradient = 5 * u[..., 2], torch.zeros_like(u)
    gradient[..., 2] = 0.2
    return f, gradient


@pytest.mark.parametrize("count", [1, 4])
def test_insides_come_first_and_all_are_places_of_the_evidence(count):
    supply, known = pool(count=count), evidence()
    for _ in range(30):
        u, _ = supply.batch()
        assert u.shape == (count, BATCH, 3)
        x = to_unit(u, boxes(count)).double().numpy()
        assert (x[:, : BATCH // 2, 2] < 0).all() and (x[:, BATCH // 2 :, 2] > 0).all()
    for side, rows in ((slice(None, BATCH // 2), known.inside), (slice(BATCH // 2, None), known.outside)):
        gap = np.abs(x[:, side].reshape(-1, 1, 3) - rows[None, :, :3]).max(axis=2).min(axis=1)
        assert gap.max() < 1e-6


@pytest.mark.parametrize("count", [1, 4])
def test_labels_stay_right_along_the_walk(count):
    supply, b = pool(count=count, reach=0.03), boxes(count)  # the surface z = 0 is at least 0.03 away
    for _ in range(30):
        u, _ = supply.batch()
        z = to_unit(u, b)[..., 2]
        assert (z[:, : BATCH // 2] < 0).all() and (z[:, BATCH // 2 :] > 0).all()
        f, gradient = steep(u)
        supply.walk(f + (b.centre / b.scale[:, None])[:, 2:] * 5, gradient)


def test_no_place_moves_more_than_nine_tenths_of_its_way():
    supply, longest = pool(), 0.0
    for _ in range(30):
        u, _ = supply.batch()
        fresh = starts(supply)
        supply.walk(*steep(u))
        may = fresh[..., 3] > 0
        moved = (supply._walked - fresh)[..., :3].norm(dim=-1)
        assert (moved[may] <= 0.9 * fresh[..., 3][may] * (1 + 1e-5)).all()
        assert (supply._walked[..., 3][may] == fresh[..., 3][may]).all()
        longest = max(longest, float((moved / fresh[..., 3])[may].max()))
    assert longest > 0.85  # the law binds here: without it these steps would be longer


def test_places_that_may_not_move_are_drawn_anew():
    supply = pool()
    u, _ = supply.batch()
    fresh = starts(supply)
    supply.walk(*steep(u))
    fixed = fresh[..., 3] == 0
    assert fixed.any() and ((supply._walked - fresh)[..., :3].norm(dim=-1)[fixed] > 0).all()


def test_places_walk_towards_the_surface_and_only_from_the_right_side():
    supply = pool()
    u, _ = supply.batch()
    fresh, may = starts(supply), starts(supply)[..., 3] > 0
    gradient = torch.zeros_like(u)
    gradient[..., 2] = 1
    supply.walk(u[..., 2], gradient)  # f = z: right on both sides
    assert (supply._walked[..., 2].abs() <= fresh[..., 2].abs())[may].all() and (supply._walked != fresh)[may].any()
    u, _ = supply.batch()
    fresh, may = starts(supply), starts(supply)[..., 3] > 0
    supply.walk(-u[..., 2], -gradient)  # f = -z: wrong on both sides
    assert torch.equal(supply._walked[may], fresh[may])


def test_no_place_is_farther_from_the_surface_than_its_distance_says():
    supply = pool()  # the surface is z = 0, and the distance |z| at the start
    for _ in range(10):
        u, distance = supply.batch()
        height = to_unit(u, boxes())[..., 2].abs()
        assert (height <= distance * boxes().scale[0] + 1e-6).all()
        supply.walk(*steep(u))
    assert (height < 0.5 * distance * boxes().scale[0]).any()  # some came nearer


def test_a_quarter_of_a_batch_has_walked_from_where_the_first_quarter_stood():
    supply = pool()
    u, _ = supply.batch()
    gradient = torch.zeros_like(u)
    gradient[..., 2] = 1
    supply.walk(u[..., 2], gradient)
    sides = supply.batch()[0].view(1, 2, BATCH // 2, 3)
    start, end = u.view(1, 2, BATCH // 2, 3)[:, :, : BATCH // 8], sides[:, :, -BATCH // 8 :]
    level = (start[..., :2] == end[..., :2]).all(dim=-1)  # f = z: straight up or down
    assert level.sum() >= BATCH // 8 and (start != end)[level].any()


def test_walked_places_stay_in_the_domain():
    supply = pool(reach=5.0)
    for _ in range(10):
        u, _ = supply.batch()
        x = to_unit(u, boxes())
        assert x.abs().max() <= 1 + 1e-6
        gradient = torch.zeros_like(u)
        gradient[..., 0] = 0.1
        f = torch.where(torch.arange(BATCH) < BATCH // 2, -9.0, 9.0)[None]
        supply.walk(f, gradient)
    assert x[..., 0].abs().max() > 1 - 1e-6  # some stand at the wall


@pytest.mark.parametrize("walk", [True, False])
def test_same_seed_same_batches(walk):
    def batches(seed: int) -> list[torch.Tensor]:
        supply, out = pool(seed, walk=walk), []
        for _ in range(6):
            out.append(supply.batch()[0])
            supply.walk(*steep(out[-1]))
        return out

    assert all(map(torch.equal, batches(3), batches(3)))
    assert not torch.equal(batches(3)[0], batches(4)[0])


def test_restored_state_continues_as_if_nothing_had_happened():
    generator = torch.Generator().manual_seed(0)
    supply = SamplePool(evidence(), boxes(), BATCH, walk=True, walked=4, generator=generator, device=torch.device("cpu"))
    for _ in range(20):  # past the end of the evidence: it starts over
        supply.walk(*steep(supply.batch()[0]))
    state = {name: value.clone() for name, value in supply.state().items()}
    at = generator.get_state()
    expected = []
    for _ in range(20):
        expected.append(supply.batch()[0])
        supply.walk(*steep(expected[-1]))
    other = torch.Generator().manual_seed(0)
    again = SamplePool(evidence(), boxes(), BATCH, walk=True, walked=4, generator=other, device=torch.device("cpu"))
    again.restore(state)
    other.set_state(at)
    for batch in expected:
        assert torch.equal(batch, again.batch()[0])
        again.walk(*steep(batch))


def test_every_place_is_drawn_before_any_comes_again():
    supply = pool(walk=False)
    supply._next.zero_()
    rounds = 500 // (BATCH // 4)
    drawn = torch.cat([supply._draw(BATCH // 4)[0, 0, :, :3] for _ in range(rounds)])
    assert len(torch.unique(drawn, dim=0)) == rounds * (BATCH // 4)


@pytest.mark.parametrize("walk", [True, False])
@pytest.mark.parametrize("rows", [500, 512, 513])  # whatever is left over at the end of a pass
def test_every_place_is_fresh_within_a_few_passes(rows, walk):
    generator = torch.Generator().manual_seed(0)
    supply = SamplePool(evidence(rows), boxes(), BATCH, walk=walk, walked=4, generator=generator, device=torch.device("cpu"))
    seen = []
    for _ in range(6 * rows // (BATCH // 2)):
        u, _ = supply.batch()
        seen.append(supply._fresh[0, 0, :, :3])
        supply.walk(*steep(u))
    assert len(torch.unique(torch.cat(seen), dim=0)) == len(torch.unique(supply._places[0, 0, :, :3], dim=0))


def test_less_evidence_than_a_batch_is_no_crash():
    few = Evidence(evidence().inside[:5], evidence().outside[:7])
    supply = SamplePool(few, boxes(), BATCH, walk=True, walked=4, generator=torch.Generator().manual_seed(0), device=torch.device("cpu"))
    assert supply.batch()[0].shape == (1, BATCH, 3)
