"""Pictures of a field by sphere tracing: no window, no graphics card, no mesh."""

from .camera import Camera as Camera
from .image import View as View
from .image import camera_for as camera_for
from .image import render_field as render_field
from .image import view_field as view_field
from .image import write_gif as write_gif
from .image import write_png as write_png
from .spans import surface_spans as surface_spans
from .trace import sphere_trace as sphere_trace
