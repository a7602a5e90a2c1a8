from __future__ import annotations

import pytest

import mirbase_loci
from sicmir_atlas.sources.bulk.hairpins import Hairpin, read_hairpins
from sicmir_atlas.study.clusters import find_clusters


@pytest.fixture
def hairpins(tmp_path):
    (tmp_path / "hsa.gff3").write_text(mirbase_loci.gff3())
    return read_hairpins(tmp_path / "hsa.gff3")


def test_the_clusters_of_mir_17_and_mir_106a_are_those_of_the_literature(hairpins):
    plus, minus = find_clusters(hairpins[::-1])
    assert (plus.name, minus.name) == ("mir-17~92a-1", "mir-106a~363")
    assert (plus.start, plus.end) == (91350605, 91351391)
    assert (minus.start, minus.end) == (134169378, 134170278)
    assert [one.name for one in minus.hairpins] == [
        f"hsa-mir-{name}" for name in ("106a", "18b", "20b", "19b-2", "92a-2", "363")
    ]
    assert len(plus.hairpins) == 6
    assert set(plus.mirnas) & set(minus.mirnas) == {"hsa-miR-19b-3p", "hsa-miR-92a-3p"}


@pytest.mark.parametrize(
    ("distance", "names"),
    [
        # from end to start 63, 70, 93, 57 and 36 bases on chr13; 86, 59, 43, 164 and 87 on chrX
        (35, []),
        (62, ["mir-20a~92a-1", "mir-20b~92a-2"]),
        (69, ["mir-17~18a", "mir-20a~92a-1", "mir-20b~92a-2"]),
        (70, ["mir-17~19a", "mir-20a~92a-1", "mir-20b~92a-2"]),
        (163, ["mir-17~92a-1", "mir-20b~363", "mir-106a~18b"]),
        (1_200_000, ["mir-622~92a-1", "mir-106a~363"]),
    ],
)
def test_neighbours_are_as_far_as_the_distance_at_most(hairpins, distance, names):
    assert [one.name for one in find_clusters(hairpins, distance=distance)] == names


def test_strands_and_chromosomes_part_and_a_stem_loop_within_another_does_not():
    def at(name, chromosome, start, end, strand="+"):
        return Hairpin(f"hsa-{name}", chromosome, start, end, strand)

    long, inner = at("let-7a-1", "chr9", 1, 900), at("mir-2", "chr9", 10, 90)
    (found,) = find_clusters([long, inner, at("let-7d", "chr9", 1000, 1080)], distance=100)
    assert found.name == "let-7a-1~let-7d"
    other = [at("mir-3", "chr9", 950, 999, "-"), at("mir-4", "chr10", 2, 9)]
    assert find_clusters([long, *other]) == []


def test_order_is_of_chromosomes_and_two_of_one_name_are_told_apart():
    places = [("chrX", 5), ("chr10", 5), ("chr2", 5), ("chr2", 50_005)]
    pairs = [
        Hairpin(f"hsa-mir-{name}", chromosome, start + 20 * i, start + 20 * i + 10, "+")
        for chromosome, start in places
        for i, name in enumerate((chromosome, "1") if chromosome != "chr2" else ("7", "8"))
    ]
    assert [one.name for one in find_clusters(pairs)] == [
        *("mir-7~8 at 5", "mir-7~8 at 50005"),
        *("mir-chr10~1", "mir-chrX~1"),
    ]
