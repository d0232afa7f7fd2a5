"""Pictures of a field by sphere tracing: no window, no graphics card, no mesh."""

from .camera import Camera as Camera
from .film import require_film as require_film
from .film import write_gif as write_gif
from .film import write_mp4 as write_mp4
from .image import View as View
from .image import camera_for as camera_for
from .image import render_field as render_field
from .image import view_field as view_field
from .image import write_png as write_png
from .spans import surface_spans as surface_spans
from .trace import sphere_trace as sphere_trace
