"""The page: whole in itself, everything escaped, the same bytes again, sound where data lack."""

from __future__ import annotations

import base64
import hashlib
import itertools
import json
import re
import shutil
from html.parser import HTMLParser

import duckdb
import numpy as np
import pandas as pd
import pytest

from report_atlases import HOSTILE, cells, contents_of, dataset, write_atlas
from sicmir_atlas.atlas.diff import diff_atlases
from sicmir_atlas.atlas.schema import TABLES
from sicmir_atlas.report import losses, render
from sicmir_atlas.report.multiqc import multiqc_sections

UNMAPPED = ("unmapped", "unlabelled")
VOID = {"meta", "link", "input", "br", "wbr"}
ELSEWHERE = re.compile(
    r"""(?:src|srcset|data|action|poster)\s*=|url\(|@import|<(?:iframe|img|object)"""
)


class Page(HTMLParser):
    """A page taken apart; fails on a tag that is not closed, or closed in the wrong order."""

    def __init__(self, text):
        super().__init__()
        self.open, self.tags, self.said, self.cells = [], [], [], []
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if self.open and self.open[-1] not in ("script", "style"):
            self.said.append(data)

    @property
    def text(self):
        return re.sub(r"\s+", " ", "".join(self.said))

    def attributes(self, name):
        return [about[name] for _, about in self.tags if name in about]


@pytest.fixture(scope="module")
def page(contents):
    return render(contents)


@pytest.fixture(scope="module")
def hostile_page(hostile):
    return render(contents_of(hostile), title=HOSTILE, place=f"{HOSTILE} it's")


@pytest.mark.parametrize("which", ["page", "hostile_page"])
def test_a_page_asks_for_nothing(which, request):
    text = request.getfixturevalue(which)
    content = re.sub(r"<bdi>.*?</bdi>", "", text, flags=re.DOTALL)
    assert ELSEWHERE.findall(re.sub(r' data-(?:label|sort|status)="', ' "', content)) == []
    page = Page(text)
    for tag, about in page.tags:
        if tag == "link":
            assert about["href"] == "data:,"
        elif "href" in about:
            assert about["href"].startswith(("#", "https://doi.org/"))
            assert tag == "a"
    (policy,) = [a["content"] for t, a in page.tags if t == "meta" and "http-equiv" in a]
    assert policy.startswith("default-src 'none';")


def test_the_policy_allows_this_script_and_no_other(page):
    (script,) = re.findall(r"<script>(.*?)</script>", page, re.DOTALL)
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    assert f"script-src 'sha256-{digest}'" in page


@pytest.mark.parametrize("which", ["page", "hostile_page"])
def test_links_within_the_page_lead_somewhere(which, request):
    page = Page(request.getfixturevalue(which))
    ids = page.attributes("id")
    assert len(ids) == len(set(ids))
    inside = [href[1:] for href in page.attributes("href") if href.startswith("#")]
    assert inside
    assert set(inside) <= set(ids)
    assert set(page.attributes("aria-labelledby")) <= set(ids)


def test_every_text_of_a_dataset_is_shown_as_text(hostile_page):
    page = Page(hostile_page)
    assert [tag for tag, _ in page.tags].count("script") == 1
    assert page.text.count(HOSTILE) >= 8
    assert f"Error: {HOSTILE}" in page.text
    assert f"'{HOSTILE} it'\"'\"'s'" in page.text  # quoted for a shell
    assert "محاكاة 🧬" in page.text
    assert not [name for _, about in page.tags for name in about if name.startswith("on")]


ATTACKS = [
    "\"><img src=x onerror=alert(1)> ' onmouseover='alert(1) </title></style></script>"
    "<script>alert(1)</script> {{ 7 * 7 }}{% raw %} <!--",
    "javascript:alert(1)",
]


@pytest.mark.parametrize("text", ATTACKS)
def test_no_text_of_a_study_becomes_markup(tmp_path, text):
    """In every place that a study or a failing step can write into."""
    facts = {"n_barcodes": 9, "n_cells_raw": 8, "n_cells_qc": 5, "n_cells_mapped": 0}
    said = dict.fromkeys(("title", "accession", "doi", "organ", "licence", "source_url"), text)
    rows = [
        dataset("a", **said, **facts),
        dataset("b", status="failed", reason=text, title=text),
        dataset("c", status="excluded", reason=f"organism: {text}"),
    ]
    labels = {"organ": text, "disease_category": text, "cell_type_original": text, "tissue": text}
    written = write_atlas(tmp_path / "atlas", rows, cells=cells("a", 5, **labels))
    contents = contents_of(written)
    page = Page(render(contents, title=text, place=text))
    tags = [tag for tag, _ in page.tags]
    assert (tags.count("script"), tags.count("img")) == (1, 0)
    assert not [name for _, about in page.tags for name in about if name.startswith("on")]
    assert " ".join(text.split()) in page.text
    for href in page.attributes("href"):
        assert href.startswith(("#", "https://doi.org/", "data:,"))
    for section in multiqc_sections(contents).values():
        assert not re.search(r"<(script|img|!--)|</", json.dumps(section["data"]))


def test_every_dataset_has_its_status_and_reason(page, contents):
    text = Page(page).text
    for row in contents.datasets:
        assert row["dataset_id"] in text
        assert row["title"] in text
        assert (row["reason"] or "") in text
    rows = re.findall(r'<tr data-status="(\w+)">', page)
    assert rows == [row["status"] for row in contents.datasets]


def test_the_same_atlas_gives_the_same_bytes_wherever_it_lies(page, demo_atlas, tmp_path):
    shutil.copytree(demo_atlas, tmp_path / "moved")
    assert render(contents_of(tmp_path / "moved")) == page


def test_simulated_data_are_said_to_be_so(page, tmp_path):
    assert "Every dataset here is simulated" in page
    rows = [dataset("a"), dataset("b", title="Blood of 8 donors"), dataset("c", title=None)]
    some = render(contents_of(write_atlas(tmp_path / "some", rows)))
    assert "The titles of 1 of 3 datasets" in some
    assert "Every dataset here is simulated" not in some
    none = render(contents_of(write_atlas(tmp_path / "none", rows[1:])))
    assert "imulated" not in none


def test_an_atlas_without_results(tmp_path):
    rows = [
        dataset("a", status="excluded", reason="organism: mouse"),
        dataset("b", status="failed", reason="broken"),
    ]
    text = render(contents_of(write_atlas(tmp_path / "atlas", rows)))
    page = Page(text)
    assert "0of 2 included" in page.text
    assert "organism: mouse" in page.text
    assert "Top miRNAs" not in page.text


def test_nulls_are_dashes_and_break_nothing(tmp_path):
    atlas = write_atlas(tmp_path / "atlas", [dataset("a")], cells=cells("a", 2))
    page = Page(render(contents_of(atlas)))
    assert "not assigned" in page.text
    assert "None" not in page.text
    assert "nan" not in page.text


def test_no_labels_means_no_top_mirnas(tmp_path):
    kept = cells("a", 2, mapping_method="unlabelled")
    atlas = write_atlas(tmp_path / "atlas", [dataset("a", labels="none")], cells=kept)
    text = Page(render(contents_of(atlas))).text
    assert "no cell types: predicted per cell only" in text
    assert "No dataset has pools of a known lineage." in text
    assert "0 % of cells map" in text


def test_every_method_of_mapping_has_words(tmp_path):
    (column,) = [c for c in TABLES["cells"].columns if c.name == "mapping_method"]
    kept = [cells(f"d{i}", i + 1, mapping_method=m) for i, m in enumerate(column.values)]
    rows = [dataset(f"d{i}") for i in range(len(column.values))]
    page = render(contents_of(write_atlas(tmp_path / "atlas", rows, cells=pd.concat(kept))))
    n = len(column.values)
    mapped = sum(i + 1 for i, m in enumerate(column.values) if m not in UNMAPPED)
    share = f"{100 * mapped / (n * (n + 1) / 2):.1f} %"
    assert f"{share} of cells map" in Page(page).text
    section = page[page.index('id="labels"') : page.index('id="holds"')]
    assert [int(k) for k in re.findall(r'class="num">(\d+) <small>', section)] == [*range(1, n + 1)]


def test_four_hundred_datasets(tmp_path):
    rows = [dataset(f"d{i:03d}", n_cells_raw=9, n_cells_qc=i % 10) for i in range(400)]
    text = render(contents_of(write_atlas(tmp_path / "atlas", rows)))
    page = Page(text)
    assert text.count("<tr data-status=") == 400
    assert "385 more datasets" in page.text
    assert len(text) < 1_000_000


def test_a_lineage_of_few_datasets_is_marked(page, contents):
    few = sum(rows[0]["n_datasets"] < 3 for rows in contents.top_mirnas.values())
    assert 0 < few < len(contents.top_mirnas)
    assert page.count("may not recur") == few


def test_reliability_stands_beside_every_mirna(page, contents):
    section = page[page.index('id="mirnas"') :]
    for rows in contents.top_mirnas.values():
        for row in rows:
            assert f">{row['mirna']}</th>" in section
    assert any(row["reliability"] is not None for r in contents.top_mirnas.values() for row in r)
    assert "Ranks, not values." in section


def test_what_changed_since_an_earlier_atlas(tmp_path, demo_atlas, contents, page):
    assert "What changed" not in page
    before = write_atlas(
        tmp_path / "before",
        [
            dataset("demo_blood", status="failed", reason="broken"),
            dataset("gone", title=HOSTILE, status="excluded", reason=f"rule: {HOSTILE}"),
        ],
    )
    diff = diff_atlases(before, demo_atlas)
    text = Page(render(contents, diff=diff)).text
    assert "What changed since the last build" in text
    assert "5 datasets are new, 1 gone, 1 changed, 0 the same." in text
    assert re.search(r"failed → included demo_blood", text)
    assert f"excluded gone {HOSTILE} rule: {HOSTILE}" in text
    assert "datasets26+4" in text
    same = Page(render(contents, diff=diff_atlases(demo_atlas, demo_atlas))).text
    assert "Nothing differs." in same


def test_links_to_the_run_are_relative(contents):
    text = render(contents, run_files=["pipeline_info/report.html", "a b/trace.txt"])
    page = Page(text)
    assert "pipeline_info/report.html" in page.attributes("href")
    assert "a%20b/trace.txt" in page.attributes("href")


def luminance(colour):
    digits = colour.lstrip("#")
    digits = digits if len(digits) == 6 else "".join(2 * c for c in digits)
    parts = [int(digits[i : i + 2], 16) / 255 for i in (0, 2, 4)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one, two):
    low, high = sorted((luminance(one), luminance(two)))
    return (high + 0.05) / (low + 0.05)


def test_contrast_is_that_of_wcag_aa(page):
    schemes = re.findall(r":root \{(.*?)\}", page, re.DOTALL)
    assert len(schemes) == 3  # light, dark, print
    for scheme in schemes:
        colour = dict(re.findall(r"--(\w+): (#[0-9a-f]{3,6})", scheme))
        for ground in ("page", "card"):
            for text in ("ink", "soft", "main", "included", "excluded", "failed"):
                assert contrast(colour[text], colour[ground]) >= 4.5, (text, ground)
            for shape in ("kept", "lost", "whole", "min_genes", "max_genes", "max_pct_mt"):
                assert contrast(colour[shape], colour[ground]) >= 3, (shape, ground)
            for shape in ("min_counts", "max_counts"):
                assert contrast(colour[shape], colour[ground]) >= 3, (shape, ground)
        assert contrast(colour["ink"], colour["note"]) >= 4.5


# colours as seen with full severity of each deficiency: Machado, Oliveira and Fernandes 2009
SEEN = {
    "all": np.eye(3),
    "protanopia": [[0.152, 1.053, -0.205], [0.115, 0.786, 0.099], [-0.004, -0.048, 1.052]],
    "deuteranopia": [[0.367, 0.861, -0.228], [0.280, 0.673, 0.047], [-0.012, 0.043, 0.969]],
    "tritanopia": [[1.256, -0.077, -0.179], [-0.078, 0.931, 0.148], [0.005, 0.691, 0.304]],
}


def lab(colour, seen):
    """CIELAB of a colour as someone sees it."""
    parts = np.array([int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)])
    linear = np.where(parts <= 0.04045, parts / 12.92, ((parts + 0.055) / 1.055) ** 2.4)
    to_xyz = [[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]]
    xyz = to_xyz @ np.clip(np.array(seen) @ linear, 0, 1) / [0.9505, 1, 1.089]
    x, y, z = np.where(xyz > 0.008856, np.cbrt(xyz), 7.787 * xyz + 16 / 116)
    return np.array([116 * y - 16, 500 * (x - y), 200 * (y - z)])


@pytest.mark.parametrize("seen", SEEN)
def test_colours_can_be_told_apart(page, seen):
    for scheme in re.findall(r":root \{(.*?)\}", page, re.DOTALL):
        colour = dict(re.findall(r"--(\w+): (#[0-9a-f]{6})", scheme))
        for group in (["kept", *losses.QC], ["included", "excluded", "failed"]):
            for one, two in itertools.combinations(group, 2):
                apart = lab(colour[one], SEEN[seen]) - lab(colour[two], SEEN[seen])
                assert np.linalg.norm(apart) > 15, (one, two)


def test_a_dataset_with_every_landmark(tmp_path):
    empty = pd.DataFrame({"dataset_id": [], "landmark": [], "reason": []}).astype(str)
    rows = [dataset("a", n_landmarks=977)]
    atlas = write_atlas(tmp_path / "atlas", rows, missing_landmarks=empty)
    assert "No landmark is missing" in Page(render(contents_of(atlas))).text


def test_datasets_far_from_the_training_data_are_named_with_the_number(tmp_path):
    """Six of eight are far; five are named in the note, all in the table."""
    rows = [
        dataset(f"d{i}", is_far=i < 6, domain_distance=0.9 - i / 20, n_landmarks=977)
        for i in range(8)
    ]
    rows += [dataset("cells", domain_distance=0.95, n_landmarks=900, is_short_of_landmarks=True)]
    folder = write_atlas(tmp_path / "atlas", rows)
    text = Page(render(contents_of(folder))).text
    assert "Far from the training data: 6 of 8 datasets." in text
    assert "d0 90 %, d1 85 %, d2 80 %, d3 75 %, d4 70 % and others." in text
    assert text.count("far from the training data:") == 6
    assert "far from the training data: 65 % outside" in text
    assert "short of landmarks: 900 of 977" in text
    manifest = json.loads((folder / "manifest.json").read_text())
    manifest["model"]["domain_limit"] = 0.64
    (folder / "manifest.json").write_text(json.dumps(manifest))
    assert "for any cohort left out of training (64 % at most)" in render(contents_of(folder))


def test_where_none_is_far_nothing_is_said(tmp_path):
    rows = [dataset("a", is_far=False, domain_distance=0.4), dataset("b")]
    assert "ar from the training data" not in render(contents_of(write_atlas(tmp_path / "a", rows)))


def test_an_atlas_of_an_earlier_minor_version(tmp_path):
    folder = write_atlas(tmp_path / "atlas", [dataset("a", n_landmarks=977)])
    with duckdb.connect(str(folder / "atlas.duckdb")) as connection:
        for column in ("is_far", "domain_distance", "is_short_of_landmarks"):
            connection.execute(f"ALTER TABLE datasets DROP COLUMN {column}")
    assert "977" in render(contents_of(folder))
