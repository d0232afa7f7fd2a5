"""Pictures of a field by sphere tracing: no window, no graphics card, no mesh."""

from .camera import Camera as Camera
from .image import render_field as render_field
from .image import write_png as write_png
from .trace import sphere_trace as sphere_trace
