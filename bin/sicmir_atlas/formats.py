"""What file names tell: format, role in it, library, sample."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from dataclasses import dataclass
from itertools import chain
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Literal, get_args

from sicmir_atlas.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

__all__ = [
    "ARCHIVE",
    "GSM",
    "Format",
    "Library",
    "Role",
    "by_role",
    "layout",
    "libraries_of",
    "refuse",
    "role_of",
    "sample_of",
    "shown",
]

Format = Literal["h5ad", "10x_h5", "mtx", "csv", "loom"]
Role = Literal[
    "h5ad", "10x_h5", "loom", "matrix", "features", "barcodes", "table", "metadata", "archive",
    "refused", "spatial", "other",
]  # fmt: skip

ARCHIVE = re.compile(r"\.(tar|tgz|tar\.(gz|bz2|xz))$", re.IGNORECASE)
_ROLES: dict[Role, re.Pattern[str]] = {
    "archive": ARCHIVE,
    "spatial": re.compile(r"tissue_positions|scalefactors|(lowres|hires)_image|spatial\.(zip|tar)"),
    "other": re.compile(
        r"readme|md5|sha256sum|checksum|filelist|molecule_info|atac_|fragments|peaks?\."
        r"|(filtered|all)_contig|clonotype|\.(pdf|png|jpe?g|html?|json|yaml|md)(\.gz)?$"
    ),
    "refused": re.compile(r"\.(rds|rda|rdata|robj|h5seurat|xlsx?|zip|7z|rar|pkl)(\.gz)?$"),
    "h5ad": re.compile(r"\.h5ad(\.gz)?$"),
    "10x_h5": re.compile(r"\.h5(\.gz)?$"),
    "loom": re.compile(r"\.loom(\.gz)?$"),
    "matrix": re.compile(r"\.mtx(\.gz)?$"),
    "features": re.compile(r"(features|genes)([._-][^/]*)?\.(tsv|txt|csv)(\.gz)?$"),
    "barcodes": re.compile(r"barcodes([._-][^/]*)?\.(tsv|txt|csv)(\.gz)?$"),
    "table": re.compile(r"\.(csv|tsv|txt|tab)(\.gz)?$"),
}
_METADATA = re.compile(r"meta(?!sta[st]|bol)|annot|obs|cells|clusters|celltype|cell_type")
_SURELY_METADATA = re.compile(r"meta_?data|annotation")
_COUNTS = re.compile(r"count|matrix|expression|umi|dge")
_ENDING = re.compile(r"(\.(h5ad|h5|loom|mtx|csv|tsv|txt|tab|tar|tgz|gz|bz2|xz))+$", re.IGNORECASE)
_ROLE_WORD = re.compile(r"(^|[._-])(matrix|features|genes|barcodes)(?=[._-]|$)", re.IGNORECASE)
_FOLDER_WORDS = re.compile(
    r"^(outs|hg19|hg38|grch38.*|.*(feature|gene)_bc_matri(x|ces).*|matri(x|ces)|mtx|counts)$",
    re.IGNORECASE,
)
GSM = re.compile(r"GSM\d+")

_KNOWN = (
    "h5ad, 10x_h5 (Cell Ranger's .h5), mtx (matrix.mtx, features.tsv or genes.tsv, barcodes.tsv), "
    "csv (a dense .csv, .tsv or .txt), loom; text may be .gz, and tables of cells may stand beside"
)
_R_OBJECT = (
    "it is an object of R: write its raw counts from R by `m <- "
    'SeuratObject::LayerData(readRDS("{name}"), assay = "RNA", layer = "counts"); '
    'DropletUtils::write10xCounts("{stem}", m, version = "3")` and name the folder with source file'
)


@dataclass(frozen=True)
class Library:
    """Files of one library: one matrix."""

    name: str
    format: Format
    files: tuple[str, ...]


def role_of(name: str) -> Role:
    """Role of a file by its name."""
    lower = name.lower()
    return next((role for role, pattern in _ROLES.items() if pattern.search(lower)), "other")


def sample_of(name: str) -> str:
    """Sample that a library's name tells: its GSM where there is one, else the name."""
    found = GSM.search(name)
    return found[0] if found else name


def layout(
    names: Sequence[str], wanted: Format | Literal["auto"] = "auto"
) -> tuple[list[Library], list[str]]:
    """Sort files into libraries, and tables of cells beside them.

    Libraries are of one format, but for samples that each have a GSM and a format of their own.

    Raises
    ------
    InputError
        If the files make up no format, or several and none is wanted, or a triplet is not whole.
    """
    if wanted != "auto" and wanted not in get_args(Format):
        msg = f"format {wanted!r} is not known; known are auto, {', '.join(get_args(Format))}"
        raise InputError(msg)
    roles = by_role(names)
    found = [library for library in libraries_of(roles) if wanted in ("auto", library.format)]
    if not found:
        refuse(roles["refused"])
    formats = sorted({library.format for library in found})
    if len(formats) != 1 and not _one_format_each(found):
        asked = "one format" if wanted == "auto" else f"format {wanted}"
        what = f", but {' and '.join(formats)}: name one in column format" if formats else ""
        msg = f"files do not make up {asked}{what}: {shown(names)}. Known: {_KNOWN}"
        raise InputError(msg)
    return found, roles["metadata"]


def refuse(names: Iterable[str]) -> None:
    """Refuse files that cannot be read, with the way to make them readable.

    Raises
    ------
    InputError
        If there is any.
    """
    for name in names:
        stem = _ENDING.sub("", PurePosixPath(name).stem)
        if re.search(r"\.(rds|rda|rdata|robj|h5seurat)(\.gz)?$", name.lower()):
            msg = f"{name} cannot be read: {_R_OBJECT.format(name=name, stem=stem)}"
        else:
            msg = f"{name} cannot be read: unpack or save it as one of the known formats: {_KNOWN}"
        raise InputError(msg)


def by_role(names: Iterable[str]) -> dict[Role, list[str]]:
    """Sort files by role, where their company tells what a name alone does not."""
    roles: dict[Role, list[str]] = {role: [] for role in get_args(Role)}
    for name in names:
        roles[role_of(name)].append(name)
    if not roles["matrix"]:  # then "counts_by_genes.tsv" is a table like others
        lists = [*roles["features"], *roles["barcodes"]]
        tables = [n for n in lists if not roles["table"] or _COUNTS.search(_base(n))]
        roles["table"] += tables
        roles["other"] += [n for n in lists if n not in tables]
        roles |= {"features": [], "barcodes": []}
    tables = roles["table"]
    samples = Counter(found[0] for name in chain(*roles.values()) if (found := GSM.search(name)))
    meta = [name for name in tables if _METADATA.search(_base(name))]
    if not any(roles[role] for role in ("matrix", "h5ad", "10x_h5", "loom")):
        # "GSM1_T_cells.csv.gz" is all that this sample has
        alone = {name for name in meta if samples[sample_of(name)] == 1}
        meta = [n for n in meta if n not in alone or _SURELY_METADATA.search(_base(n))]
        if len(meta) == len(tables):  # a matrix of "T_cells_counts.csv"
            meta = [n for n in meta if not _COUNTS.search(_base(n)) and len(tables) > 1]
    roles["metadata"] = meta
    roles["table"] = [name for name in tables if name not in meta]
    return roles


def libraries_of(roles: Mapping[Role, list[str]]) -> list[Library]:
    """Group files into libraries.

    Raises
    ------
    InputError
        If a triplet is not whole.
    """
    single: dict[Role, Format] = {"h5ad": "h5ad", "10x_h5": "10x_h5", "loom": "loom"}
    found = [
        Library(_library_name(name), format, (name,))
        for role, format in single.items()  # noqa: A001  the samplesheet's own word
        for name in roles[role]
    ]
    # beside a triplet a table is something else, unless it is of another sample
    of_triplets = {sample_of(_library_name(name)) for name in roles["matrix"]}
    for name in roles["table"]:
        sample = sample_of(_library_name(name))
        if not of_triplets or (GSM.match(sample) and sample not in of_triplets):
            found.append(Library(_library_name(name), "csv", (name,)))
    groups: dict[str, dict[str, list[str]]] = defaultdict(lambda: defaultdict(list))
    for role in ("matrix", "features", "barcodes"):
        for name in roles[role]:
            groups[_library_key(name)][role].append(name)
    for key, files in groups.items():
        if not files["matrix"]:
            continue
        if not files["features"] and len(roles["features"]) == 1:  # one list for all samples
            files["features"] = roles["features"]
        triplet = [*files["matrix"], *files["features"], *files["barcodes"]]
        if [len(files[role]) for role in ("matrix", "features", "barcodes")] != [1, 1, 1]:
            msg = (
                f"{files['matrix'][0]}: a triplet is matrix.mtx, features.tsv or genes.tsv, and "
                f"barcodes.tsv, called alike but for these words; found {shown(triplet)}"
            )
            raise InputError(msg)
        found.append(Library(_library_name(key), "mtx", tuple(triplet)))
    return sorted(found, key=lambda library: library.files)


def _one_format_each(found: Sequence[Library]) -> bool:
    by_sample = {(sample_of(library.name), library.format) for library in found}
    samples = [sample for sample, _ in by_sample]
    return bool(samples) and len(set(samples)) == len(samples) and all(map(GSM.match, samples))


def _library_key(name: str) -> str:
    """Path without its ending and without the word that tells the role."""
    folder, _, base = name.rpartition("/")
    stem = _ROLE_WORD.sub("", _ENDING.sub("", base)).strip("._-")
    return f"{folder}/{stem}" if folder else stem


def _library_name(path: str) -> str:
    """Part of a path that tells the sample: a GSM, else the last that is not Cell Ranger's own."""
    parts = [_ENDING.sub("", part) for part in path.split("/")]
    telling = [part for part in parts if part and not _FOLDER_WORDS.match(part)]
    telling = [part for part in telling if GSM.search(part)] or telling
    return telling[-1] if telling else parts[-1] or "matrix"


def _base(name: str) -> str:
    return name.rpartition("/")[2].lower()


def shown(names: Sequence[str], most: int = 12) -> str:
    """Names for a message."""
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return (", ".join(sorted(names)[:most]) or "no file") + more
