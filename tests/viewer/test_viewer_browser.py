"""The web page and the page that stands alone, in a real headless Chromium: what a user does, and what the browser says to it."""

from __future__ import annotations

import io
import json
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import numpy as np
import pytest
from programs import CHROMIUM, QUIET, needs, served, until
from shapes import icosphere, sphere_points

from sdfshape import reconstruct
from sdfshape.io import write_mesh, write_points
from sdfshape.types import PointCloud

pytestmark = [pytest.mark.slow, needs("chromium")]


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    """A scan with its field and mesh, far from the origin."""
    folder, origin = tmp_path_factory.mktemp("view"), np.array([500.0, 4_900.0, 12.0])
    cloud = PointCloud(sphere_points(3_000) + origin)
    result = reconstruct(cloud, preset="fast", surface="closed")
    result.field.save(folder / "ball.sdf")
    result.mesh.write(folder / "ball.ply")
    write_points(cloud, folder / "scan.ply")
    write_mesh(icosphere(0.7, tuple(origin), subdivisions=5), folder / "truth.ply")
    return folder


@pytest.fixture(scope="module")
def browser():
    api = pytest.importorskip("playwright.sync_api")
    with api.sync_playwright() as playwright:
        made = playwright.chromium.launch(executable_path=CHROMIUM, args=[*QUIET, "--use-angle=swiftshader", "--enable-unsafe-swiftshader"])
        yield made
        made.close()


@pytest.fixture
def page(browser) -> Iterator:
    """A page that remembers what went wrong and whom it asked."""
    made = browser.new_page(viewport={"width": 1300, "height": 820})
    made.wrong, made.hosts = [], set()
    made.on("console", lambda message: made.wrong.append(message.text) if message.type == "error" else None)
    made.on("pageerror", lambda error: made.wrong.append(str(error)))
    made.on("request", lambda request: made.hosts.add(urlsplit(request.url).netloc or urlsplit(request.url).scheme))
    made.on("websocket", lambda socket: made.hosts.add(urlsplit(socket.url).netloc))
    yield made
    made.close()


def pixels(png: bytes) -> np.ndarray:
    from PIL import Image

    return np.asarray(Image.open(io.BytesIO(png)).convert("RGB")).astype(int)


def counted(page) -> str:
    return page.locator(".counted").first.inner_text()


def in_full(page) -> bool:
    """Whether the surface is there in full, not the coarse one of a slider that moves."""
    return "triangles" in counted(page) and int(counted(page).split(" vertices")[0].replace(",", "")) > 20_000


def open_group(page, name: str) -> None:
    page.get_by_text(name, exact=True).first.click()
    page.wait_for_timeout(400)


def test_the_walk_through_the_web_page(folder, page, tmp_path):
    words = ("view", folder / "ball.sdf", folder / "scan.ply", "--truth", folder / "truth.ply", "--unit", "mm", "--web")
    with served(*words, log=tmp_path / "log.txt") as (address, _):
        page.goto(address)
        page.wait_for_selector("#controls")
        until(lambda: in_full(page))
        until(lambda: pixels(page.screenshot(clip={"x": 500, "y": 100, "width": 600, "height": 600})).std() > 10)
        until(lambda: not page.locator("#busy").count())

        # the level: the number of triangles changes while it is dragged, and the full surface comes when it is let go
        full = counted(page)
        open_group(page, "Field")
        page.locator("#control-iso").scroll_into_view_if_needed()
        page.wait_for_timeout(300)
        track = page.locator("#control-iso .v-slider__container").bounding_box()
        x, y, seen = track["x"] + track["width"] / 2, track["y"] + track["height"] / 2, set()
        page.mouse.move(x, y)
        page.mouse.down()
        for k in range(40):
            page.mouse.move(x + 2 * k, y)
            page.wait_for_timeout(60)
            seen.add(counted(page))
        page.mouse.up()
        assert len(seen) >= 5, seen
        # a click before it is there in full is one on a coarse surface, of a level on the way
        until(lambda: in_full(page) and counted(page) not in seen and counted(page) != full)
        assert "mm" in page.locator("#value-iso").inner_text()

        # a click reads the distance: the surface was moved outwards, so the place is as far from the field's own
        page.mouse.click(330 + 485, 410)
        until(lambda: page.locator("#readings").count())
        shown = float(page.locator("#value-iso").inner_text().split()[0])
        told = page.locator("#reading-distance").inner_text()
        assert (
            float(page.locator("#reading-value").inner_text().split()[0]) == pytest.approx(shown, rel=0.02)
            and "mm, certified (outside)" in told
        )
        low, high = (float(word) for word in told.split(" mm")[0].split(" to "))
        assert low <= shown * 1.01 and high >= shown * 0.99

        # layers on and off
        before = pixels(page.screenshot())
        page.keyboard.press("1")
        until(lambda: np.abs(pixels(page.screenshot())[:, 340:] - before[:, 340:]).mean() > 1)
        page.keyboard.press("1")

        # help, colours with their bar, the picture
        page.keyboard.press("?")
        assert "surface inwards, outwards" in page.locator("#help").inner_text()
        page.keyboard.press("?")
        page.wait_for_timeout(500)
        with page.expect_download() as download:
            page.keyboard.press("s")
        saved = pixels(Path(download.value.path()).read_bytes())
        assert download.value.suggested_filename == "ball-view.png" and saved.shape[0] > 500 and saved.std() > 10
        assert page.wrong == [] and page.hosts - {"blob"} == {urlsplit(address).netloc}


def test_measuring_clipping_slicing_and_the_wipe_in_the_web_page(folder, page, tmp_path):
    with served("view", folder / "ball.sdf", folder / "scan.ply", "--web", log=tmp_path / "log.txt") as (address, _):
        page.goto(address)
        page.wait_for_selector("#controls")
        until(lambda: in_full(page))
        page.keyboard.press("m")
        for x in (770, 860):
            page.mouse.click(x, 410)
            page.wait_for_timeout(700)
        assert until(lambda: page.locator("#measured").count()) and page.locator("#measured").inner_text().endswith("units apart")
        before = pixels(page.screenshot())
        for key in ("c", "w", "l"):
            page.keyboard.press(key)
            if key != "c":  # nothing is cut off yet
                until(lambda before=before: np.abs(pixels(page.screenshot()) - before).mean() > 0.2)
            page.wait_for_timeout(1_500)
            before = pixels(page.screenshot())
        open_group(page, "Save")
        with page.expect_download() as download:
            page.get_by_text("Surface that is shown").click()
        from sdfshape.io import read_mesh

        download.value.save_as(tmp_path / download.value.suggested_filename)
        assert len(read_mesh(tmp_path / "ball.ply").faces) > 40_000
        assert page.wrong == []


def test_without_the_token_there_is_a_page_but_no_scene(folder, page, tmp_path):
    with served("view", folder / "ball.ply", "--web", log=tmp_path / "log.txt") as (address, _):
        host = urlsplit(address).netloc
        for wrong in (f"http://{host}/index.html", f"http://{host}/index.html?secret=guess"):
            page.goto(wrong)
            page.wait_for_timeout(2_000)
            assert page.locator("#controls").count() == 0 and "ball.ply" not in page.content()
        for path in (
            "/../../../../etc/passwd",
            "/%2e%2e/%2e%2e/%2e%2e/etc/passwd",
            "/sdfshape/../web.py",
            "/sdfshape/%2e%2e/web.py",
            "/ball.ply",
        ):
            with pytest.raises(urllib.error.HTTPError):
                urllib.request.urlopen(f"http://{host}{path}", timeout=5)


def test_a_folder_is_gone_through_with_keys(folder, page, tmp_path):
    with served("view", folder, "--web", log=tmp_path / "log.txt") as (address, _):
        page.goto(address)
        page.wait_for_selector("#controls")
        names = []
        for _ in range(4):
            names.append(until(lambda: page.locator("#file").inner_text()))
            page.keyboard.press("n")
            until(lambda: page.locator("#file").inner_text() != names[-1])
        shown = [f"{name} ({k} of 4)" for k, name in enumerate(("ball.ply", "ball.sdf", "scan.ply", "truth.ply"), 1)]
        assert names == shown and page.locator("#file").inner_text() == shown[0]
        assert page.wrong == []


def test_a_reconstruction_is_seen_and_ended_early(folder, page, tmp_path):
    words = ("reconstruct", folder / "scan.ply", "-o", tmp_path / "out.ply", "--report", tmp_path / "out.json", "--web")
    with served(*words, log=tmp_path / "log.txt") as (address, process):
        page.goto(address)
        page.wait_for_selector("#controls")
        until(lambda: page.locator("#progress").inner_text().startswith("train"), 60)
        page.get_by_text("Finish now, keep the result").click()
        until(lambda: page.locator("#progress").inner_text().startswith("done"), 90)
        until(lambda: "Field" in page.locator("#controls").inner_text())
        assert page.wrong == [] and process.poll() is None
    assert process.returncode == 0
    assert any("finished early" in text for text in json.loads((tmp_path / "out.json").read_text())["warnings"])
    assert (tmp_path / "out.ply").exists()


def test_the_page_that_stands_alone(folder, page, tmp_path):
    from sdfshape.viewer.opening import open_show
    from sdfshape.viewer.page import write_scene_page

    scene = open_show([folder / "ball.sdf", folder / "scan.ply"], truth=folder / "truth.ply", unit="mm").openers[0]()
    assert write_scene_page(scene, tmp_path / "page.html") < 15e6
    page.goto(f"file://{tmp_path / 'page.html'}")
    page.wait_for_selector("body[data-ready=yes]")
    page.wait_for_timeout(500)
    assert pixels(page.screenshot(clip={"x": 500, "y": 100, "width": 600, "height": 600})).std() > 10
    page.mouse.click(310 + 495, 410)
    told = page.locator("#read").inner_text()
    place = np.array([float(x) for x in told.split("place: ")[1].split(" mm")[0].split(", ")])
    assert np.linalg.norm(place - [500, 4900, 12]) == pytest.approx(0.7, abs=0.03)
    value = float(told.split("distance to truth.ply at the nearest corner: ")[1].split(" mm")[0])
    assert value == pytest.approx(abs(np.linalg.norm(place - [500, 4900, 12]) - 0.7), abs=0.01)
    page.select_option("[data-control=layer1_color]", label="signed distance")
    assert page.locator("#bar").is_visible() and "mm" in page.locator("#bar").inner_text()
    before = pixels(page.screenshot())
    page.keyboard.press("w")
    page.wait_for_timeout(300)
    assert np.abs(pixels(page.screenshot()) - before).mean() > 0.2
    page.keyboard.press("?")
    assert "read a place" in page.locator("#help").inner_text()
    with page.expect_download() as download:
        page.keyboard.press("s")
    assert pixels(Path(download.value.path()).read_bytes()).std() > 10
    assert page.wrong == [] and page.hosts <= {"file", "blob", "data"}
