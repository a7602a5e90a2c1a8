"""One dataset's share of an atlas: what PREDICT leaves and CONSOLIDATE gathers."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sicmir_atlas.atlas.files import AtlasFile
from sicmir_atlas.disk import written_whole

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

__all__ = ["Shard"]


@dataclass(frozen=True)
class Shard:
    """Folder of one included dataset: its Parquet files and ``shard.json``, which lists them."""

    folder: Path

    def _content(self) -> dict[str, Any]:
        return json.loads((self.folder / "shard.json").read_text())  # type: ignore[no-any-return]

    @property
    def dataset(self) -> dict[str, Any]:
        """The dataset's row of table ``datasets``."""
        return self._content()["dataset"]  # type: ignore[no-any-return]

    @property
    def versions(self) -> dict[str, str]:
        """What made the files: schema, processing, pipeline, model."""
        return self._content()["versions"]  # type: ignore[no-any-return]

    @property
    def files(self) -> list[AtlasFile]:
        """The dataset's files, paths relative to the shard's folder."""
        return [AtlasFile(**entry) for entry in self._content()["files"]]

    def write(
        self,
        *,
        dataset: Mapping[str, Any],
        versions: Mapping[str, str],
        files: Sequence[AtlasFile],
    ) -> None:
        """Write ``shard.json``."""
        content = {
            "dataset": dict(dataset),
            "versions": dict(versions),
            "files": [file.as_dict() for file in files],
        }
        path = self.folder / "shard.json"
        with written_whole(path) as part:
            part.write_text(json.dumps(content, indent=1, sort_keys=True) + "\n")
