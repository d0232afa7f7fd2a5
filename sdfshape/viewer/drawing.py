"""Arrays as VTK's objects."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ..types import FloatArray, IntArray
from .colorings import Coloring, color_table

Color = tuple[float, float, float]


def hush() -> None:
    """Only errors of VTK are printed: what it looks for and does not find, a screen, is ours to say."""
    from vtkmodules.vtkCommonCore import vtkLogger

    vtkLogger.SetStderrVerbosity(vtkLogger.VERBOSITY_ERROR)


def poly_data(places: FloatArray, faces: IntArray | None = None, *, lines: Sequence[FloatArray] = ()) -> Any:
    """Triangles; points (n, 3) where there are no faces; or polylines, each (m, 3)."""
    from vtkmodules.util.numpy_support import numpy_to_vtk
    from vtkmodules.vtkCommonCore import vtkPoints
    from vtkmodules.vtkCommonDataModel import vtkPolyData

    data, points = vtkPolyData(), vtkPoints()
    if lines:
        places = np.concatenate(list(lines))
    points.SetData(numpy_to_vtk(np.ascontiguousarray(places, np.float32), deep=True))
    data.SetPoints(points)
    if lines:
        ends = np.cumsum([0, *(len(line) for line in lines)])
        data.SetLines(_cells(ends, np.arange(ends[-1])))
    elif faces is not None and len(faces):
        data.SetPolys(_cells(3 * np.arange(len(faces) + 1), faces.ravel()))
    else:
        data.SetVerts(_cells(np.arange(len(places) + 1), np.arange(len(places))))
    return data


def _cells(offsets: IntArray, rows: IntArray) -> Any:
    from vtkmodules.util.numpy_support import numpy_to_vtk
    from vtkmodules.vtkCommonCore import VTK_INT
    from vtkmodules.vtkCommonDataModel import vtkCellArray

    cells = vtkCellArray()
    cells.SetData(*(numpy_to_vtk(np.ascontiguousarray(column, np.int32), deep=True, array_type=VTK_INT) for column in (offsets, rows)))
    return cells


def plane_of(place: FloatArray, normal: FloatArray) -> Any:
    from vtkmodules.vtkCommonDataModel import vtkPlane

    plane = vtkPlane()
    plane.SetOrigin(*place)
    plane.SetNormal(*normal)
    return plane


def texture_quad(corners: FloatArray, rgb: IntArray) -> Any:
    """A rectangle of three corners, the first with the first row and column of the picture (b, a, 3)."""
    from vtkmodules.util.numpy_support import numpy_to_vtk
    from vtkmodules.vtkRenderingCore import vtkActor, vtkPolyDataMapper, vtkTexture

    start, first, second = corners
    data = poly_data(np.stack([start, first, first + second - start, second]), np.array([[0, 1, 2], [0, 2, 3]]))
    data.GetPointData().SetTCoords(numpy_to_vtk(np.array([[0, 0], [1, 0], [1, 1], [0, 1]], np.float32), deep=True))
    texture = vtkTexture()
    texture.SetInputData(_image(rgb))
    texture.InterpolateOn()
    mapper, actor = vtkPolyDataMapper(), vtkActor()
    mapper.SetInputData(data)
    actor.SetMapper(mapper)
    actor.SetTexture(texture)
    actor.GetProperty().SetLighting(False)
    return actor


def text_actor(text: str, place: FloatArray, color: Color) -> Any:
    """Words that stand at a place and face the eye."""
    from vtkmodules.vtkRenderingCore import vtkBillboardTextActor3D

    actor = vtkBillboardTextActor3D()
    actor.SetInput(text)
    actor.SetPosition(*place)
    words = actor.GetTextProperty()
    words.SetFontSize(20)
    words.SetColor(*color)
    words.BoldOn()
    return actor


def plain_actor(data: Any, color: Color) -> Any:
    """Geometry in one colour."""
    from vtkmodules.vtkRenderingCore import vtkActor, vtkPolyDataMapper

    mapper, actor = vtkPolyDataMapper(), vtkActor()
    mapper.SetInputData(data)
    actor.SetMapper(mapper)
    actor.GetProperty().SetColor(*color)
    return actor


def upright_line(share: float, color: Color) -> Any:
    """From the lower edge to the upper one, a share of the width from the left."""
    from vtkmodules.vtkRenderingCore import vtkActor2D, vtkCoordinate, vtkPolyDataMapper2D

    places, mapper, actor = vtkCoordinate(), vtkPolyDataMapper2D(), vtkActor2D()
    places.SetCoordinateSystemToNormalizedViewport()
    mapper.SetInputData(poly_data(np.zeros((0, 3)), lines=[np.array([[share, 0, 0], [share, 1, 0]])]))
    mapper.SetTransformCoordinate(places)
    actor.SetMapper(mapper)
    actor.GetProperty().SetColor(*color)
    actor.GetProperty().SetLineWidth(2)
    return actor


def scalar_bar(coloring: Coloring, ink: Color) -> Any:
    """The colours and what they mean, with the unit."""
    from vtkmodules.vtkRenderingAnnotation import vtkScalarBarActor

    bar = vtkScalarBarActor()
    bar.SetLookupTable(_lookup(color_table(coloring.table), coloring.limits))
    bar.SetTitle((f"{coloring.name} [{coloring.unit}]" if coloring.unit else coloring.name) + "\n ")  # or the numbers run into it
    bar.SetOrientationToHorizontal()
    bar.SetNumberOfLabels(5)
    bar.SetMaximumNumberOfColors(256)
    bar.SetLabelFormat("{:.3g}")
    bar.UnconstrainedFontSizeOn()
    bar.SetBarRatio(0.25)
    bar.SetPosition(0.2, 0.02)
    bar.SetPosition2(0.6, 0.12)
    for text, points in ((bar.GetTitleTextProperty(), 15), (bar.GetLabelTextProperty(), 13)):
        text.SetColor(*ink)
        text.SetFontSize(points)
        text.ItalicOff()
        text.BoldOff()
        text.ShadowOff()
    return bar


def _lookup(table: IntArray, limits: tuple[float, float]) -> Any:
    """A lookup table of the colours (256, 3) over `limits`."""
    from vtkmodules.util.numpy_support import numpy_to_vtk
    from vtkmodules.vtkCommonCore import vtkLookupTable

    lookup = vtkLookupTable()
    lookup.SetTable(numpy_to_vtk(np.column_stack([table, np.full(len(table), 255, np.uint8)]), deep=True))
    lookup.SetRange(*limits)
    return lookup


def ball(middle: FloatArray, radius: float) -> Any:
    """A small sphere."""
    from vtkmodules.vtkFiltersSources import vtkSphereSource

    source = vtkSphereSource()
    source.SetCenter(*middle)
    source.SetRadius(radius)
    source.SetThetaResolution(16)
    source.SetPhiResolution(16)
    source.Update()
    return source.GetOutput()


def picture_actor(rgb: IntArray) -> Any:
    """A picture (h, w, 3), pixel by pixel from the lower left corner of its renderer."""
    from vtkmodules.vtkRenderingCore import vtkActor2D, vtkImageMapper

    mapper, actor = vtkImageMapper(), vtkActor2D()
    mapper.SetInputData(_image(rgb[::-1]))
    mapper.SetColorWindow(255)
    mapper.SetColorLevel(127.5)
    actor.SetMapper(mapper)
    return actor


def _image(rgb: IntArray) -> Any:
    """Rows from below to above."""
    from vtkmodules.util.numpy_support import numpy_to_vtk
    from vtkmodules.vtkCommonDataModel import vtkImageData

    image = vtkImageData()
    image.SetDimensions(rgb.shape[1], rgb.shape[0], 1)
    image.GetPointData().SetScalars(numpy_to_vtk(np.ascontiguousarray(rgb.reshape(-1, 3)), deep=True))
    return image


def window_picture(window: Any) -> IntArray:
    """(h, w, 3) uint8 of what was drawn last."""
    from vtkmodules.util.numpy_support import vtk_to_numpy
    from vtkmodules.vtkRenderingCore import vtkWindowToImageFilter

    taken = vtkWindowToImageFilter()
    taken.SetInput(window)
    taken.SetInputBufferTypeToRGB()
    taken.ReadFrontBufferOff()
    taken.ShouldRerenderOff()
    taken.Update()
    image = taken.GetOutput()
    width, height, _ = image.GetDimensions()
    return np.array(vtk_to_numpy(image.GetPointData().GetScalars()).reshape(height, width, 3)[::-1])
