"""The domain B that proposals are drawn from and kept in: the box [-1, 1]^d, or the ball of radius 1, unit frame."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from ..errors import InputError

if TYPE_CHECKING:  # configurations name domains, and are read before torch is loaded
    import torch
    from torch import Tensor

DOMAINS = ("box", "ball")


@dataclass(frozen=True)
class Domain:
    """shape : box or ball."""

    shape: str = "box"

    def __post_init__(self) -> None:
        if self.shape not in DOMAINS:
            raise InputError(f"domain must be one of {', '.join(DOMAINS)}, got {self.shape!r}")

    def uniform(self, count: int, dimension: int, generator: torch.Generator) -> Tensor:
        """(count, dimension) places, uniform in B."""
        import torch

        if self.shape == "box":
            return 2 * torch.rand(count, dimension, generator=generator) - 1
        direction = torch.randn(count, dimension, generator=generator)
        radius = torch.rand(count, 1, generator=generator) ** (1 / dimension)
        return radius * direction / direction.norm(dim=1, keepdim=True).clamp_min(1e-30)

    def project(self, places: Tensor) -> Tensor:
        """Proj_B: the nearest place of B, (n, d) -> (n, d)."""
        if self.shape == "box":
            return places.clamp(-1, 1)
        return places / places.norm(dim=1, keepdim=True).clamp_min(1)

    def distance(self, places: Tensor) -> Tensor:
        """(n, d) -> (n,) signed distance to the boundary of B, negative inside: 1-Lipschitz, as every distance."""
        if self.shape == "ball":
            return places.norm(dim=1) - 1
        beyond = places.abs() - 1
        return beyond.clamp_min(0).norm(dim=1) + beyond.amax(dim=1).clamp_max(0)
