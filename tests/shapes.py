"""Shapes whose signed distance is known: the truth of the tests. Negative inside."""

from __future__ import annotations

import numpy as np
import trimesh

from sdfshape import Mesh

BOX_HALF = (0.8, 0.6, 0.5)
TORUS = (0.55, 0.22)  # radius of the ring, radius of the tube


def sphere_distance(x: np.ndarray, radius: float = 0.7, centre: tuple[float, float, float] = (0, 0, 0)) -> np.ndarray:
    return np.linalg.norm(x - np.asarray(centre), axis=-1) - radius


def box_distance(x: np.ndarray, half: tuple[float, float, float] = BOX_HALF) -> np.ndarray:
    q = np.abs(x) - np.asarray(half)
    return np.linalg.norm(np.maximum(q, 0), axis=-1) + np.minimum(q.max(axis=-1), 0)


def torus_distance(x: np.ndarray, ring: float = TORUS[0], tube: float = TORUS[1]) -> np.ndarray:
    return np.hypot(np.hypot(x[..., 0], x[..., 1]) - ring, x[..., 2]) - tube


def two_spheres_distance(x: np.ndarray) -> np.ndarray:
    return np.minimum(sphere_distance(x, 0.3, (-0.45, 0, 0)), sphere_distance(x, 0.25, (0.5, 0.1, 0)))


def directions(count: int, seed: int = 0) -> np.ndarray:
    """(count, 3) uniform on the unit sphere."""
    x = np.random.default_rng(seed).normal(size=(count, 3))
    return x / np.linalg.norm(x, axis=1, keepdims=True)


def sphere_points(count: int, seed: int = 0, radius: float = 0.7) -> np.ndarray:
    return radius * directions(count, seed)


def rings(sections: int, count: int) -> np.ndarray:
    """(count, 3) random points on circles, sections of the unit sphere at equal distances."""
    rng = np.random.default_rng(0)
    z = (np.floor(rng.uniform(0, sections, count)) + 0.5) / sections * 2 - 1
    angle, radius = rng.uniform(0, 2 * np.pi, count), np.sqrt(1 - z**2)
    return np.stack([radius * np.cos(angle), radius * np.sin(angle), z], axis=1)


def box_points(count: int, seed: int = 0, half: tuple[float, float, float] = BOX_HALF) -> np.ndarray:
    rng, h = np.random.default_rng(seed), np.asarray(half)
    area = np.array([h[1] * h[2], h[0] * h[2], h[0] * h[1]])
    axis = rng.choice(3, size=count, p=area / area.sum())
    points = rng.uniform(-1, 1, (count, 3)) * h
    points[np.arange(count), axis] = rng.choice([-1.0, 1.0], size=count) * h[axis]
    return points


def torus_points(count: int, seed: int = 0, ring: float = TORUS[0], tube: float = TORUS[1]) -> np.ndarray:
    rng = np.random.default_rng(seed)
    v = rng.uniform(0, 2 * np.pi, 4 * count)
    v = v[rng.uniform(0, ring + tube, 4 * count) < ring + tube * np.cos(v)][:count]  # area element: ring + tube cos v
    u = rng.uniform(0, 2 * np.pi, count)
    r = ring + tube * np.cos(v)
    return np.stack([r * np.cos(u), r * np.sin(u), tube * np.sin(v)], -1)


def outward(distance, x: np.ndarray, h: float = 1e-6) -> np.ndarray:
    """Gradient of a distance by central differences."""
    return np.stack([(distance(x + h * e) - distance(x - h * e)) / (2 * h) for e in np.eye(3)], -1)


def icosphere(radius: float = 1.0, centre: tuple[float, float, float] = (0, 0, 0), subdivisions: int = 4) -> Mesh:
    ball = trimesh.creation.icosphere(subdivisions=subdivisions, radius=radius)
    return Mesh(np.asarray(ball.vertices) + np.asarray(centre), np.asarray(ball.faces))


def slope_of(x: np.ndarray, y: np.ndarray) -> float:
    """Order of growth: slope of log y over log x."""
    return float(np.polyfit(np.log(x), np.log(y), 1)[0])
