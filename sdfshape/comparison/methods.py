"""The methods by name. Each takes a cloud and what it is asked for, and gives back what it has: a mesh, and a field if it has one."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from dataclasses import field as data_field
from functools import partial
from typing import TYPE_CHECKING, Any

from ..errors import InputError
from ..frame import Frame
from ..types import FloatArray, Mesh, PointCloud

if TYPE_CHECKING:
    from ..baselines.score_field import ScoreField
    from ..field import CertifiedField


@dataclass(frozen=True)
class Ask:
    """seconds : to train.   resolution : cells of the grid that the mesh is taken from.   truth : for methods that are told distances."""

    seconds: float = 60.0
    resolution: int = 128
    seed: int = 0
    truth: Mesh | None = None


@dataclass(frozen=True, eq=False)
class Made:
    """mesh : world units.   field : what can be asked between the points, or None.   parameters : numbers it is made of, 0 for none.
    lipschitz : certified constant, or None.   told : what it was told but the points.   notes : facts of the fit.
    """

    mesh: Mesh
    field: CertifiedField | ScoreField | None = None
    parameters: int = 0
    lipschitz: float | None = None
    told: str = "nothing"
    notes: Mapping[str, Any] = data_field(default_factory=dict)


@dataclass(frozen=True)
class Method:
    """run(cloud, ask).   about : one line for the table.   trained : whether the budget is its to spend.   needs : a further package."""

    run: Callable[[PointCloud, Ask], Made]
    about: str
    trained: bool = True
    needs: str | None = None


def _ours(preset: str, cloud: PointCloud, ask: Ask) -> Made:
    from ..reconstruction import reconstruct

    made = reconstruct(cloud, preset=preset, seed=ask.seed, resolution=ask.resolution)
    notes = {"surface": made.report["surface"]["kind"], "warnings": made.report["warnings"]}
    return Made(made.mesh, made.field, made.field.parameters, made.field.lipschitz_bound, "nothing", notes)


def _classical(name: str, cloud: PointCloud, ask: Ask) -> Made:
    from .. import baselines

    return Made(getattr(baselines, name)(PointCloud(cloud.points)), told="nothing")


def _deep_sdf(cloud: PointCloud, ask: Ask) -> Made:
    from ..baselines import Budget, fit_deep_sdf, supervision_of_cloud, supervision_of_mesh
    from ..extract.components import is_watertight

    frame, unit = _framed(cloud)
    if ask.truth is not None and is_watertight(ask.truth):
        told = supervision_of_mesh(ask.truth, frame, 500_000, ask.seed)
    else:  # an open truth has no inside
        told = supervision_of_cloud(unit, 300_000, ask.seed)
    return _from_score(fit_deep_sdf(told, frame, budget=Budget(ask.seconds), seed=ask.seed), ask)


def _implicit(name: str, cloud: PointCloud, ask: Ask) -> Made:
    from .. import baselines

    frame, unit = _framed(cloud)
    return _from_score(getattr(baselines, name)(unit, frame, budget=baselines.Budget(ask.seconds), seed=ask.seed), ask)


def _svdd(changes: dict[str, Any], cloud: PointCloud, ask: Ask) -> Made:
    from ..baselines import Budget, DeepSVDDConfig, fit_svdd_field

    frame, unit = _framed(cloud)
    config = DeepSVDDConfig(**changes)
    return _from_score(fit_svdd_field(unit, frame, budget=Budget(ask.seconds), config=config, seed=ask.seed), ask)


def _novelty(name: str, cloud: PointCloud, ask: Ask) -> Made:
    from .. import baselines

    frame, unit = _framed(cloud)
    return _from_score(getattr(baselines, name)(unit, frame, seed=ask.seed), ask, most=64)


def _from_score(score: ScoreField, ask: Ask, most: int = 512) -> Made:
    """The mesh of the level 0, refined where values aim at distances, dense where they do not; coarser where asking is slow."""
    from ..baselines import extract_level

    resolution = min(ask.resolution, most) // 4 * 4
    mesh = extract_level(score, resolution=resolution, dense=not score.is_distance)
    notes = dict(score.info) | {"resolution": resolution}
    return Made(mesh, score, score.parameters, None, str(notes.pop("supervision", "nothing")), notes)


def _framed(cloud: PointCloud) -> tuple[Frame, FloatArray]:
    from ..clean import clean

    kept, _ = clean(cloud, keep_outliers=True)
    frame = Frame.from_points(kept.points)
    return frame, frame.to_unit(kept.points)


METHODS: dict[str, Method] = {
    **{name: Method(partial(_ours, name), f"ours, preset {name}", trained=False) for name in ("default", "fast", "quality", "paper")},
    "poisson": Method(
        partial(_classical, "screened_poisson"), "screened Poisson, propagated normals (Open3D)", trained=False, needs="open3d"
    ),
    "ball-pivoting": Method(
        partial(_classical, "ball_pivoting"), "ball pivoting, propagated normals (Open3D)", trained=False, needs="open3d"
    ),
    "alpha-shape": Method(partial(_classical, "alpha_shape"), "alpha shape (Open3D)", trained=False, needs="open3d"),
    "deepsdf": Method(_deep_sdf, "DeepSDF for one shape, told distances"),
    "siren": Method(partial(_implicit, "fit_siren"), "SIREN without normals"),
    "igr": Method(partial(_implicit, "fit_igr"), "IGR without normals"),
    "sll": Method(partial(_implicit, "fit_sll"), "1-Lipschitz SLL layers (2024), told signs"),
    "svdd": Method(partial(_svdd, {}), "Deep SVDD, one-class"),
    "svdd-noise": Method(partial(_svdd, {"regulariser": "noise"}), "Deep SVDD, noise regulariser"),
    "svdd-variance": Method(partial(_svdd, {"regulariser": "variance"}), "Deep SVDD, variance regulariser"),
    "one-class-svm": Method(partial(_novelty, "fit_one_class_svm"), "one-class SVM (scikit-learn)", trained=False, needs="sklearn"),
    "isolation-forest": Method(
        partial(_novelty, "fit_isolation_forest"), "Isolation Forest (scikit-learn)", trained=False, needs="sklearn"
    ),
}
DEFAULT_METHODS = ("default", "poisson", "ball-pivoting", "alpha-shape", "deepsdf", "siren", "igr", "svdd")


def chosen(names: str) -> tuple[str, ...]:
    """Names with commas between, `all`, or nothing for the usual ones. Raises InputError for a name that is none."""
    if names.strip() == "all":
        return tuple(METHODS)
    wanted = tuple(filter(None, (name.strip() for name in names.split(",")))) or DEFAULT_METHODS
    require_methods(wanted)
    return wanted


def require_methods(names: Sequence[str]) -> None:
    """Raises InputError for none, or for one that there is not."""
    if unknown := [name for name in names if name not in METHODS]:
        raise InputError(f"methods must be among {', '.join(METHODS)}, got {', '.join(unknown)}")
    if not names:
        raise InputError(f"at least one method must be compared, got none: choose among {', '.join(METHODS)}")


def missing_packages(names: Sequence[str]) -> dict[str, str]:
    """The methods among these that need a package which is not installed, and its name."""
    from importlib.util import find_spec

    return {name: need for name in names if (need := METHODS[name].needs) is not None and find_spec(need) is None}
