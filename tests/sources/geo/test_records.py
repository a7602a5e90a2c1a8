from __future__ import annotations

import gzip

import pytest

from archives import Reply
from count_files import packed, tar
from geo_site import CAPTCHA, FTP, Sample, Series, filelist, private_until
from sicmir_atlas.errors import CorruptError, ExcludedDataset, GoneError, UnavailableError


def sample(number: int, **about) -> Sample:
    name = f"GSM{9000000 + number}"
    return Sample(name, **{"files": {f"{name}_counts.csv.gz": b"x"}, **about})


def names(found):
    return sorted(file.name for file in found.files)


def queries(running, what="targ="):
    return [path.partition("?")[2].split("&form")[0] for path in running.asked if what in path]


def test_samples_of_a_series_by_one_request(geo):
    with geo(Series("GSE900001", [sample(n) for n in range(3)])) as running:
        found = running.resolve("GSE900001")
        assert queries(running) == ["targ=self&acc=GSE900001", "targ=gsm&acc=GSE900001"]
    assert list(found.samples) == ["GSM9000000", "GSM9000001", "GSM9000002"]
    assert not any("targ=gpl" in path or "targ=all" in path for path in running.asked)


def test_samples_by_themselves_are_one_dataset(geo):
    series = Series("GSE900001", [sample(n, title=f"lung {n}") for n in range(3)])
    with geo(series) as running:
        found = running.resolve("GSM9000002|GSM9000000|GSM9000002")
        assert queries(running) == ["targ=self&acc=GSM9000002", "targ=self&acc=GSM9000000"]
    assert list(found.samples) == ["GSM9000002", "GSM9000000"]
    assert found.accession == "GSM9000002|GSM9000000"
    assert found.columns["title"] == "lung 2 and 1 more samples"
    assert found.columns["same_as"] == "GSE900001"
    assert found.version == "2024-03-05"


@pytest.mark.parametrize("page", [CAPTCHA, "<html>anything else</html>"])
def test_a_captcha_before_the_samples_leads_to_the_family_file(geo, page):
    with geo(Series("GSE900001", [sample(n) for n in range(3)])) as running:
        served = running.server.sites["geo"]
        running.server.sites["geo"] = lambda path: (
            Reply(page.encode()) if "targ=gsm" in path else served(path)
        )
        found = running.resolve("GSE900001")
        assert queries(running, "targ=gsm") == ["targ=gsm&acc=GSE900001"]  # once only
        assert [path for path in running.asked if "family" in path] == [
            "/geo_files/series/GSE900nnn/GSE900001/soft/GSE900001_family.soft.gz"
        ]
    assert list(found.samples) == ["GSM9000000", "GSM9000001", "GSM9000002"]
    assert found.samples["GSM9000000"]["title"] == "donor 1 lung"


def test_a_reply_that_lacks_samples_leads_to_the_family_file(geo):
    series = Series("GSE900001", [sample(n) for n in range(3)])
    with geo(series) as running:
        served = running.server.sites["geo"]
        running.server.sites["geo"] = lambda path: (
            Reply(sample(0).soft(["GSE900001"]).encode()) if "targ=gsm" in path else served(path)
        )
        assert len(running.resolve("GSE900001").samples) == 3
        assert any("family" in path for path in running.asked)


def test_more_than_2000_samples_come_from_the_family_file_at_once(geo):
    series = Series("GSE900001", [sample(n) for n in range(2001)])
    with geo(series) as running:
        found = running.resolve("GSE900001")
        assert queries(running) == ["targ=self&acc=GSE900001"]
        assert len(running.asked) == 2
    assert len(found.samples) == len(found.files) == 2001


def test_without_family_file_the_captcha_is_waited_for(geo):
    series = Series("GSE900001", [sample(0)])
    with geo(series, families=[], tries=6) as running:
        served, pages = running.server.sites["geo"], [Reply(CAPTCHA.encode())] * 3
        running.server.sites["geo"] = lambda path: (
            pages.pop() if "targ=gsm" in path and pages else served(path)
        )
        assert len(running.resolve("GSE900001").samples) == 1
        assert len(queries(running, "targ=gsm")) == 4
    with (
        geo(series, families=[], tries=2, captcha=["gsm"]) as running,
        pytest.raises(UnavailableError, match=r"^d1: GSE900001: .*blocked"),
    ):
        running.resolve("GSE900001")


def test_a_family_file_that_is_cut_or_a_page(geo):
    series = Series("GSE900001", [sample(n) for n in range(3)])
    whole = gzip.compress(series.family().encode())
    with geo(series, captcha=["gsm"]) as running:
        served = running.server.sites["geo_files"]
        bodies = [whole[:-40], CAPTCHA.encode(), CAPTCHA.encode()]
        running.server.sites["geo_files"] = lambda path: (
            Reply(bodies.pop()) if "family" in path else served(path)
        )
        with pytest.raises(CorruptError, match=r"GSE900001_family\.soft\.gz: broken gzip"):
            running.resolve("GSE900001")
        assert bodies == []  # pages were asked past


def parent(*children: Series, **about) -> Series:
    relations = [f"SuperSeries of: {child.accession}" for child in children]
    listed = [s.accession for child in children for s in child.samples]
    options = {"also_lists": listed, "relations": relations, "title": "Simulated super-series"}
    return Series("GSE900000", **(options | about))


def test_super_series_are_followed_and_no_sample_counted_twice(geo):
    inner = Series("GSE900003", [sample(3)], relations=["SubSeries of: GSE900002"])
    middle = Series(
        "GSE900002",
        [sample(1), sample(2)],
        relations=["SubSeries of: GSE900000", "SuperSeries of: GSE900003"],
        also_lists=["GSM9000003"],
        pubmed=["30000002"],
    )
    other = Series("GSE900001", [sample(1), sample(0)], relations=["SubSeries of: GSE900000"])
    with geo(parent(middle, inner, other), middle, inner, other) as running:
        found = running.resolve("GSE900000")
        assert "targ=gsm&acc=GSE900000" not in queries(running)
    assert list(found.samples) == ["GSM9000003", "GSM9000001", "GSM9000002", "GSM9000000"]
    assert len(set(names(found))) == 4
    assert found.accession == "GSE900000"
    assert found.columns["title"] == "Simulated super-series"
    assert set(found.columns["same_as"].split("|")) == {
        "PMID:30000001", "PMID:30000002", "GSE900001", "GSE900002", "GSE900003",
    }  # fmt: skip
    assert found.version == "2024-06-06"


def test_relations_may_lead_in_circles(geo):
    one = Series("GSE900001", [sample(1)], relations=["SuperSeries of: GSE900000"])
    top = parent(one, relations=["SuperSeries of: GSE900001", "SuperSeries of: GSE900000"])
    with geo(top, one) as running:
        found = running.resolve("GSE900000")
        assert len(running.asked) == 3
    assert list(found.samples) == ["GSM9000001"]


def test_samples_that_no_child_names_are_asked_of_the_parent(geo):
    child = Series("GSE900001", [sample(1)])
    top = parent(child, samples=[sample(2)], also_lists=["GSM9000001"])
    with geo(top, child) as running:
        found = running.resolve("GSE900000")
    assert list(found.samples) == ["GSM9000001", "GSM9000002"]


def test_a_parents_merged_tar_is_used_only_if_its_children_have_nothing(geo):
    full = Series("GSE900001", [sample(1)])
    merged = {"GSE900000_RAW.tar": tar({"GSM9000001_counts.csv.gz": b"x"})}
    with geo(parent(full, files=merged), full) as running:
        assert names(running.resolve("GSE900000")) == ["GSM9000001_counts.csv.gz"]

    empty = Series("GSE900001", [sample(1, files={})])
    with geo(parent(empty, files=merged), empty) as running:
        found = running.resolve("GSE900000")
        assert names(found) == ["GSE900000_RAW.tar"]
        assert found.files[0].unpack == ("*",)
        assert list(found.samples) == ["GSM9000001"]

    merged |= {"filelist.txt": filelist("GSE900000_RAW.tar", 9, {"GSM9000001_a.h5": b"x"})}
    with geo(parent(empty, files=merged), empty) as running:
        (file,) = running.resolve("GSE900000").files
        assert (file.size, file.unpack) == (9, ("GSM9000001_a.h5",))
        (file,) = running.resolve("GSE900000", files="*.h5").files
        assert file.unpack == ("GSM9000001_a.h5",)
    with geo(parent(full, files=merged), full) as running:
        assert names(running.resolve("GSE900000", files="GSM*")) == ["GSM9000001_counts.csv.gz"]


def test_a_child_that_is_gone_is_left_out_with_a_note(geo):
    child = Series("GSE900001", [sample(1)])
    hidden = Series("GSE900002", [sample(2)])
    refusals = {"GSE900002": private_until("Aug 28, 2028")}
    with geo(parent(child, hidden), child, refusals=refusals) as running:
        found = running.resolve("GSE900000")
    assert list(found.samples) == ["GSM9000001"]
    assert any("left out of GSE900000: GSE900002: private until Aug" in n for n in found.notes)

    with geo(parent(hidden), refusals=refusals) as running, pytest.raises(GoneError, match=r"Aug"):
        running.resolve("GSE900000")


ARRAY = ("Expression profiling by array",)


def test_arrays_are_excluded_unasked_for_their_samples(geo):
    with geo(Series("GSE900001", [sample(0)], types=ARRAY)) as running:
        with pytest.raises(ExcludedDataset, match=r"^umi: GSE900001 .Expression.* by array"):
            running.resolve("GSE900001")
        assert len(running.asked) == 1


def test_arrays_beside_sequencing_are_left_out(geo):
    arrays = Series("GSE900002", [sample(2, type="RNA", strategy=None)], types=ARRAY)
    child = Series("GSE900001", [sample(1)])
    with geo(parent(arrays, child), arrays, child) as running:
        found = running.resolve("GSE900000")
    assert list(found.samples) == ["GSM9000001"]
    assert any("left out as arrays: GSE900002" in note for note in found.notes)


def test_an_array_sample_by_itself(geo):
    one = sample(1, type="RNA", strategy=None, files={}, links=[f"{FTP}/samples/GSM9000nnn/x.CEL"])
    with geo(samples=[one]) as running, pytest.raises(ExcludedDataset, match=r"^umi: GSM9000001"):
        running.resolve("GSM9000001")


def test_another_species_among_the_samples(geo):
    mouse = (("Mus musculus", "10090"),)
    both = (("Homo sapiens", "9606"), ("Mus musculus", "10090"))
    series = Series(
        "GSE900001",
        [sample(0), sample(1, organisms=mouse), sample(2, organisms=both), sample(3)],
    )
    with geo(series) as running:
        with pytest.raises(ExcludedDataset) as caught:
            running.resolve("GSE900001")
        assert caught.value.rule == "organism"
        assert caught.value.figure == (
            "2 of 4 samples are not human: 1 of Mus musculus, 1 of Homo sapiens + Mus musculus; "
            "for the human samples alone, give them as accession: GSM9000000|GSM9000003"
        )
        assert list(running.resolve("GSM9000000|GSM9000003").samples) == [
            "GSM9000000",
            "GSM9000003",
        ]


def test_no_human_sample_at_all(geo):
    series = Series("GSE900001", [sample(0, organisms=(("Mus musculus", "10090"),))])
    with geo(series) as running, pytest.raises(ExcludedDataset) as caught:
        running.resolve("GSE900001")
    assert caught.value.figure == (
        "1 of 1 samples are not human: 1 of Mus musculus; only Homo sapiens is included"
    )


def test_faults_on_every_third_request_change_nothing(geo):
    child, other = Series("GSE900001", [sample(1)], raw=True), Series("GSE900002", [sample(2)])
    studies = (parent(child, other), child, other)
    with geo(*studies) as calm, geo(*studies, tries=6, fault_every=3) as stormy:
        quiet = calm.resolve("GSE900000")
        for _ in range(4):
            found = stormy.resolve("GSE900000")
            assert (found.samples, found.columns) == (quiet.samples, quiet.columns)
            assert names(found) == names(quiet)
        assert {r.fault for r in stormy.server.requests} == {
            None, "503", "cut", "429", "reset", "html",
        }  # fmt: skip


def test_a_very_long_line_does_no_harm(geo):
    series = Series("GSE900001", [sample(0)])
    text = series.family().replace("!platform_table_begin", "X" * (3 << 20) + "\n#")
    with geo(series, captcha=["gsm"]) as running:
        running.server.sites["geo_files"] = lambda _: Reply(packed(text.encode()))
        assert list(running.resolve("GSE900001").samples) == ["GSM9000000"]
