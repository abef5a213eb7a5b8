"""The pictures of the README and the documentation show the console as it is."""

from __future__ import annotations

from pathlib import Path

from tests.docs import images


async def test_images_are_current(tmp_path: Path) -> None:
    drawn = await images.draw(tmp_path)
    committed = {path.stem: path.read_text() for path in images.FOLDER.glob("*.svg")}
    assert drawn.keys() == committed.keys()
    stale = [name for name, svg in drawn.items() if svg != committed[name]]
    assert stale == [], "run make pictures, and look at the difference"


def test_images_load_nothing_from_other_hosts() -> None:
    for path in images.FOLDER.glob("*.svg"):
        assert 'url("http' not in path.read_text() and "@font-face" not in path.read_text()
