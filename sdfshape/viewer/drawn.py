"""A layer as VTK draws it: an actor with two amounts of detail, its colours, its side of the wipe."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..types import FloatArray, IntArray
from .detail import Detail, vertex_normals
from .drawing import poly_data
from .layers import Layer

SIDES = {"": 0.0, "left": -1.0, "right": 1.0}


class Drawn:
    """The actor of a layer, with two amounts of detail."""

    def __init__(self, layer: Layer, origin: FloatArray) -> None:
        from vtkmodules.vtkRenderingCore import vtkActor, vtkPolyDataMapper

        self.actor: Any = vtkActor()
        self.mappers: list[Any] = [vtkPolyDataMapper(), vtkPolyDataMapper()]
        self.rgb: IntArray | None = None
        self.smooth = False
        look = self.actor.GetProperty()
        look.SetColor(*(c / 255 for c in layer.color))
        look.SetSpecular(0.15)
        look.SetSpecularPower(20)
        look.SetAmbient(0.15)
        look.SetDiffuse(0.85)
        look.SetEdgeColor(0.25, 0.25, 0.28)
        self.sided = ""
        self.take(layer, origin)

    def take(self, layer: Layer, origin: FloatArray) -> None:
        self.layer, self.origin, self.rgb = layer, origin, None
        self.is_moving = False
        self.data: list[Any] = [None, None]
        self.draw(moving=False)

    def _detail(self, moving: int) -> Detail:
        return self.layer.moving if moving else self.layer.still

    def _made(self, moving: int) -> Any:
        """The geometry of one amount of detail, made when it is first drawn."""
        if self.data[moving] is None:
            detail = self._detail(moving)
            data = poly_data(detail.of(self.layer.places) - self.origin, detail.faces)
            self.data[moving] = data
            self.mappers[moving].SetInputData(data)
            self._dress(moving)
        return self.data[moving]

    def _dress(self, moving: int) -> None:
        """Colours and normals on the geometry."""
        from vtkmodules.util.numpy_support import numpy_to_vtk

        data, detail = self.data[moving], self._detail(moving)
        attributes, mapper = data.GetPointData(), self.mappers[moving]
        mapper.SetScalarVisibility(self.rgb is not None)
        mapper.SetColorModeToDirectScalars()
        attributes.SetScalars(None if self.rgb is None else numpy_to_vtk(np.ascontiguousarray(detail.of(self.rgb)), deep=True))
        normals = None
        if self.layer.is_surface and self.smooth:
            normals = vertex_normals(detail.of(self.layer.places), detail.faces)
        elif not self.layer.is_surface and self.layer.shading is not None:
            normals = detail.of(self.layer.shading)
        attributes.SetNormals(None if normals is None else numpy_to_vtk(np.ascontiguousarray(normals, np.float32), deep=True))
        look = self.actor.GetProperty()
        look.SetLighting(self.layer.is_surface or normals is not None)
        (look.SetInterpolationToPhong if self.smooth or not self.layer.is_surface else look.SetInterpolationToFlat)()

    def draw(self, *, moving: bool) -> None:
        self.is_moving = moving
        self._made(int(moving))
        self.actor.SetMapper(self.mappers[int(moving)])

    def paint(self, rgb: IntArray | None) -> None:
        self.rgb = rgb
        self._dress_made()

    def shade(self, *, edges: bool, smooth: bool) -> None:
        self.actor.GetProperty().SetEdgeVisibility(edges and self.layer.is_surface)
        if smooth != self.smooth:
            self.smooth = smooth
            self._dress_made()

    def _dress_made(self) -> None:
        for moving, data in enumerate(self.data):
            if data is not None:
                self._dress(moving)

    def wipe(self, side: str) -> None:
        """Draw only pixels "left" or "right" of a column (see `place_wipe`); "": all."""
        shader = self.actor.GetShaderProperty()
        if side and not self.sided:
            shader.AddFragmentShaderReplacement(
                "//VTK::Coincident::Impl", True, "if ((gl_FragCoord.x - wipeAt) * wipeSide < 0.0) discard;\n//VTK::Coincident::Impl", False
            )
        elif not side and self.sided:
            shader.ClearAllFragmentShaderReplacements()
        if side:
            shader.GetFragmentCustomUniforms().SetUniformf("wipeSide", SIDES[side])
        self.sided = side

    def place_wipe(self, pixel: float) -> None:
        """The column, counted from the left edge of the window."""
        if self.sided:
            self.actor.GetShaderProperty().GetFragmentCustomUniforms().SetUniformf("wipeAt", pixel)
