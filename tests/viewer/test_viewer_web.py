"""The web page's pictures, without a browser."""

from __future__ import annotations

import asyncio

import pytest

from sdfshape.viewer import web


@pytest.mark.parametrize("late", [0, 1, 2, 7])
def test_a_picture_arrives_however_long_its_encoding_takes(late):
    """`late` times it is asked for in vain. Where nothing asks again, it is lost from the second time on."""
    protocols = pytest.importorskip("trame_vtk.modules.vtk.protocols.publish_image_delivery")

    class Delivery(protocols.vtkWebPublishImageDelivery):
        asked = 0

        def still_render(self, _):
            self.asked += 1
            stale = self.asked <= late
            return {"stale": stale, "image": None if stale else "YQ==", "mtime": 1}

    async def run() -> tuple[list, int]:
        made, sent = Delivery(), []
        made.addAttachment, made.publish = lambda content: content, lambda *message: sent.append(message)
        made.delta_stale_time_before_render = 0.005
        made.tracking_views["1"] = {"enabled": True, "originalSize": [8, 8], "mtime": 0, "quality": 100}
        made.stale_handler_count["1"] = 0
        made.push_render("1")
        for _ in range(100):
            await asyncio.sleep(0.003)
            web._ask_again(made)
        return sent, made.asked

    sent, asked = asyncio.run(run())
    assert len(sent) == 1 and asked == late + 1
