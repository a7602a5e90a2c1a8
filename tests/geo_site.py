"""A simulated GEO: studies described in a few words, in the real layout of texts and folders."""

from __future__ import annotations

from dataclasses import dataclass, field
from html import escape
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, unquote, urlsplit

from archives import Reply, Site
from count_files import packed, tar

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

FTP = "ftp://ftp.ncbi.nlm.nih.gov/geo"
CAPTCHA = "<!DOCTYPE html><html><head><script>recaptcha</script></head>Are you a robot?</html>"
NOT_FOUND = "Could not find a public or private accession"
PENDING = "is not yet approved by GEO curators"


def private_until(day: str) -> str:
    return f"is currently private and is scheduled to be released on {day}."


def withdrawn_on(day: str) -> str:
    return f"was deleted by the GEO staff on {day}."


@dataclass
class Sample:
    """One GSM; `files` are at its own address, and in the RAW.tar of a series that has one."""

    accession: str
    title: str = "donor 1 lung"
    source_name: str = "lung"
    characteristics: Sequence[str] = ("tissue: lung", "disease state: normal")
    organisms: Sequence[tuple[str, str]] = (("Homo sapiens", "9606"),)
    strategy: str | None = "RNA-Seq"
    source: str = "transcriptomic single cell"
    protocol: str = "Libraries were made with the Chromium Single Cell 3' Reagent Kit v3."
    processing: str = "Reads were counted with Cell Ranger v6.0."
    type: str = "SRA"
    files: Mapping[str, bytes] = field(default_factory=dict)
    links: Sequence[str] | None = None
    """Addresses named in place of those of `files`, such as ``NONE``."""

    def soft(self, series: Iterable[str] = ()) -> str:
        lines = [
            ("title", self.title),
            ("geo_accession", self.accession),
            ("status", "Public on Mar 04 2024"),
            ("last_update_date", "Mar 05 2024"),
            ("type", self.type),
            ("channel_count", "1"),
            ("source_name_ch1", self.source_name),
            *(("organism_ch1", name) for name, _ in self.organisms),
            *(("taxid_ch1", taxid) for _, taxid in self.organisms),
            *(("characteristics_ch1", text) for text in self.characteristics),
            ("molecule_ch1", "polyA RNA"),
            ("extract_protocol_ch1", self.protocol),
            ("data_processing", self.processing),
            ("platform_id", "GPL24676"),
            ("contact_name", "Simulated,,Person"),
        ]
        if self.strategy:
            lines += [("library_source", self.source), ("library_strategy", self.strategy)]
        urls = self.links
        if urls is None:
            folder = f"{FTP}/samples/{stub(self.accession)}/{self.accession}/suppl"
            urls = [f"{folder}/{name}" for name in self.files] or ["NONE"]
        lines += [(f"supplementary_file_{n}", url) for n, url in enumerate(urls, 1)]
        lines += [("series_id", accession) for accession in series]
        body = "".join(f"!Sample_{key} = {value}\n" for key, value in lines)
        return f"^SAMPLE = {self.accession}\n{body}"


def gsm(number: int) -> str:
    return f"GSM{9_000_000 + number}"


def sample(number: int, *names: str, **about: Any) -> Sample:
    """One GSM by number, with files of these names after its own; what is in them is no matter."""
    files = {f"{gsm(number)}_{name}": name.encode() for name in names}
    return Sample(gsm(number), **{"files": files, **about})


@dataclass
class Series:
    """One GSE.

    With `raw` its samples' files are in a RAW.tar too, and a filelist beside it; with
    ``only_in_raw`` samples do not name them.
    """

    accession: str
    samples: Sequence[Sample] = ()
    title: str = "Simulated lung atlas"
    types: Sequence[str] = ("Expression profiling by high throughput sequencing",)
    relations: Sequence[str] = ()
    pubmed: Sequence[str] = ("30000001",)
    files: Mapping[str, bytes] = field(default_factory=dict)
    raw: bool = False
    only_in_raw: bool = False
    filelist: bool = True
    also_lists: Sequence[str] = ()
    """GSMs named in its record beside its own, as a super-series does."""

    def __post_init__(self) -> None:
        if self.only_in_raw:
            self.raw = True
            for sample in self.samples:
                sample.links = ["NONE"]

    def soft(self) -> str:
        links = [f"{FTP}/{path}" for path in self.suppl() if not path.endswith("filelist.txt")]
        taxids = dict.fromkeys(taxid for s in self.samples for _, taxid in s.organisms)
        lines = [
            ("title", self.title),
            ("geo_accession", self.accession),
            ("status", "Public on Mar 04 2024"),
            ("last_update_date", "Jun 06 2024"),
            *(("pubmed_id", number) for number in self.pubmed),
            ("summary", "Simulated = invented."),
            ("overall_design", ""),
            *(("type", text) for text in self.types),
            *(("sample_id", s.accession) for s in self.samples),
            *(("sample_id", accession) for accession in self.also_lists),
            *(("supplementary_file", link) for link in links or ["NONE"]),
            *(("sample_taxid", taxid) for taxid in taxids),
            *(("relation", text) for text in self.relations),
        ]
        body = "".join(f"!Series_{key} = {value}\n" for key, value in lines)
        return f"^SERIES = {self.accession}\n{body}"

    def suppl(self) -> dict[str, bytes]:
        """Files by path below ``geo/``."""
        folder = f"series/{stub(self.accession)}/{self.accession}/suppl"
        found = {f"{folder}/{name}": body for name, body in self.files.items()}
        if self.raw:
            members = {name: body for s in self.samples for name, body in s.files.items()}
            archive = tar(members)
            found[f"{folder}/{self.accession}_RAW.tar"] = archive
            if self.filelist:
                text = filelist(f"{self.accession}_RAW.tar", len(archive), members)
                found[f"{folder}/filelist.txt"] = text
        return found

    def family(self) -> str:
        """Whole family file, with a platform whose table nobody needs."""
        table = "".join(f"{n}\tACGT\t= not an attribute\n" for n in range(50))
        platform = (
            "^PLATFORM = GPL24676\n!Platform_title = Simulated\n#ID = number\n"
            f"!platform_table_begin\nID\tSEQUENCE\n{table}!Sample_title = in a table\n"
            "!platform_table_end\n"
        )
        samples = "".join(
            f"{s.soft([self.accession])}!sample_table_begin\n!sample_table_end\n"
            for s in self.samples
        )
        head = "^DATABASE = GeoMiame\n!Database_name = Gene Expression Omnibus (GEO)\n"
        return head + self.soft() + platform + samples


def geo_site(
    series: Iterable[Series] = (),
    *,
    samples: Iterable[Sample] = (),
    refusals: Mapping[str, str] | None = None,
    captcha: Iterable[str] = (),
) -> Site:
    """Answer as ``www…/geo`` does.

    Parameters
    ----------
    series, samples
        What there is; samples of the series are found by themselves too.
    refusals
        By accession, what its page says.
    captcha
        Values of ``targ`` that a captcha guards.
    """
    studies = {s.accession: s for s in series}
    within: dict[str, list[str]] = {}
    single = {s.accession: s for s in samples}
    for study in studies.values():
        for sample in study.samples:
            single[sample.accession] = sample
            within.setdefault(sample.accession, []).append(study.accession)
    pages, guarded = dict(refusals or {}), set(captcha)

    def answer(target: str) -> Reply | None:  # noqa: PLR0911
        parts = urlsplit(target)
        if parts.path != "query/acc.cgi":
            return None
        asked = dict(parse_qsl(parts.query))
        accession, targ = asked["acc"], asked["targ"]
        exempt = parts.query == f"targ=self&acc={accession}&form=text&view=brief"
        if (guarded and not exempt) or targ in guarded:
            return Reply(CAPTCHA.encode())
        if accession in pages:
            return page(accession, pages[accession])
        if targ == "self" and accession in studies:
            return Reply(studies[accession].soft().encode())
        if targ == "self" and accession in single:
            return Reply(single[accession].soft(within.get(accession, ())).encode())
        if targ == "gsm" and accession in studies:
            listed = [*(s.accession for s in studies[accession].samples)]
            listed += [a for a in studies[accession].also_lists if a in single]
            texts = [single[a].soft(within.get(a, ())) for a in listed]
            return Reply("".join(texts).encode())
        if accession.startswith("GDS"):
            return page(accession, '<a href="/sites/GDSbrowser?acc=x">DataSet Browser</a>')
        return page(accession, f"{NOT_FOUND} &quot;{accession}&quot;")

    return answer


def geo_files_site(
    series: Iterable[Series] = (),
    *,
    samples: Iterable[Sample] = (),
    families: Iterable[str] | None = None,
) -> Site:
    """Answer as ``ftp…/geo`` does.

    Parameters
    ----------
    series, samples
        What there is.
    families
        Series that have a family file; all when None.
    """
    tree: dict[str, bytes | Callable[[], bytes]] = {}
    single = list(samples)
    for study in series:
        tree |= study.suppl()
        if not study.only_in_raw:
            single += study.samples
        if families is None or study.accession in set(families):
            folder = f"series/{stub(study.accession)}/{study.accession}/soft"
            text = study.family
            tree[f"{folder}/{study.accession}_family.soft.gz"] = lambda text=text: packed(
                text().encode()
            )
    for sample in single:
        folder = f"samples/{stub(sample.accession)}/{sample.accession}/suppl"
        tree |= {f"{folder}/{name}": body for name, body in sample.files.items()}

    def answer(target: str) -> Reply | None:
        body = tree.get(unquote(target))
        if body is None:
            return None
        return Reply(body if isinstance(body, bytes) else body())

    return answer


def stub(accession: str) -> str:
    return accession[: max(3, len(accession) - 3)] + "nnn"


def page(accession: str, text: str) -> Reply:
    """One of GEO's own pages: HTML with status 200."""
    body = f"<HTML><BODY><b>Accession &quot;{escape(accession)}&quot;</b> {text}</BODY></HTML>"
    return Reply(body.encode(), headers={"Content-Type": "text/html"})


def filelist(archive: str, size: int, members: Mapping[str, bytes]) -> bytes:
    """``filelist.txt`` as it lies beside a RAW.tar."""
    lines = [
        "#Archive/File\tName\tTime\tSize\tType",
        f"Archive\t{archive}\t03/04/2024 10:00:00\t{size}\tTAR",
        *(f"File\t{n}\t03/01/2024 09:00:00\t{len(b)}\tMTX" for n, b in members.items()),
    ]
    return ("\n".join(lines) + "\n").encode()
