"""The loss of a training as a small picture."""

from __future__ import annotations

import io
from collections.abc import Sequence

import numpy as np

SIZE = (292, 120)  # pixels
EDGE = 4
MOSTLY = 0.95  # of the values lie in the picture
PAPER, INK, PALE, LINE = (250, 250, 249), (60, 60, 66), (205, 208, 213), (25, 103, 193)


def loss_chart(losses: Sequence[tuple[int, float]], steps: int) -> bytes:
    """PNG of (step, loss) over all `steps`; its ends are numbered."""
    from PIL import Image, ImageDraw

    from .panel import small_font

    width, height = SIZE
    image = Image.new("RGB", SIZE, PAPER)
    pen, font = ImageDraw.Draw(image), small_font(11)
    values = np.array([value for _, value in losses if np.isfinite(value)])
    if len(values):
        lo, hi = float(values.min()), float(np.quantile(values, MOSTLY))  # the first steps are far above all others
        span, top, bottom = (hi - lo) or 1.0, 20, height - 20
        pen.line([(EDGE, bottom), (width - EDGE, bottom)], fill=PALE)
        line = [
            (EDGE + (width - 2 * EDGE) * step / max(steps, 1), bottom - (bottom - top) * min((value - lo) / span, 1.1))
            for step, value in losses
            if np.isfinite(value)
        ]
        if len(line) > 1:
            pen.line(line, fill=LINE, width=2)
        pen.text((EDGE, 3), f"loss {values[-1]:+.4f}", fill=INK, font=font)
        pen.text((EDGE, height - 16), f"{lo:+.3f} to {hi:+.3f} (95% of them)", fill=INK, font=font)
        last = f"step {steps:,}"
        pen.text((width - EDGE - font.getlength(last), height - 16), last, fill=INK, font=font)
    out = io.BytesIO()
    image.save(out, format="png")
    return out.getvalue()
