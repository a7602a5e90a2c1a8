from __future__ import annotations

import pytest

from sicmir_atlas.disk import folder_written_whole


def test_a_folder_is_there_when_the_block_ends_well(tmp_path, monkeypatch):
    folder = tmp_path / "made"
    for content in ("one", "two"):
        with folder_written_whole(folder) as part:
            (part / content).write_text(content)
            assert not (folder / content).exists()
        assert [path.name for path in folder.iterdir()] == [content]
    monkeypatch.chdir(folder)
    with folder_written_whole(folder.relative_to(folder)) as part:
        (part / "three").touch()
    assert [path.name for path in folder.iterdir()] == ["three"]
    assert [path.name for path in tmp_path.iterdir()] == ["made"]


def test_a_block_that_fails_leaves_what_was_there(tmp_path):
    folder = tmp_path / "made"
    folder.mkdir()
    (folder / "before").touch()
    with pytest.raises(FileNotFoundError), folder_written_whole(folder) as part:
        (part / "half").rename(folder / "nothing is called half")
    assert [path.name for path in folder.iterdir()] == ["before"]
    assert [path.name for path in tmp_path.iterdir()] == ["made"]


def test_what_a_killed_process_left_is_not_built_upon(tmp_path):
    for name in (".part-made", ".former-made"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "left").touch()
    (tmp_path / "made").mkdir()
    with folder_written_whole(tmp_path / "made") as part:
        (part / "new").touch()
    assert [path.name for path in (tmp_path / "made").iterdir()] == ["new"]
    assert [path.name for path in tmp_path.iterdir()] == ["made"]
