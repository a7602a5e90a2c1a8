from __future__ import annotations

import pytest

from sicmir_atlas.errors import InputError
from sicmir_atlas.names import mirnas, ontologies
from sicmir_atlas.study.directions import labels_within, read_directions, terms_of


def test_the_packages_list_names_known_mirnas_and_terms_and_where_it_was_published():
    table = read_directions()
    assert set(table["mirna"]) <= set(mirnas())
    assert set(table["direction"]) <= {"up", "down"}
    assert table["source"].str.contains(r"^\w+ \d{4}, (?:doi:10\.\d{4}/|PMID:)\S+: ").all()
    assert not table.duplicated(["mirna", "group", "reference"]).any()
    for term in {*table["group"], *table["reference"]}:
        assert ontologies().is_valid_term_id(term)
        assert not ontologies().is_term_deprecated(term)


def test_a_group_is_its_term_with_all_descendants_or_a_label():
    terms = {
        "naive CD4": "CL:0000895",
        "B": "CL:0000236",
        "NK": "CL:0000623",
        "mono": "CL:0001054",
        "sorted 7": None,
    }
    assert labels_within("CL:0000084", terms) == {"naive CD4"}
    assert labels_within("CL:0000542", terms) == {"naive CD4", "B", "NK"}
    assert labels_within("CL:0000738", terms) == {"naive CD4", "B", "NK", "mono"}
    assert labels_within("sorted 7", terms) == {"sorted 7"}
    assert labels_within("CL:0000066", terms) == set()


def test_labels_are_mapped_by_the_rules_and_given_terms_come_first():
    terms = terms_of(["CD14+ Monocyte", "CD34+", "CL:0000236"], {"CD34+": "CL:0008001"})
    assert terms == {
        "CD14+ Monocyte": "CL:0001054",
        "CD34+": "CL:0008001",
        "CL:0000236": "CL:0000236",
    }
    assert terms_of(["CD34+"]) == {"CD34+": None}


def test_a_list_is_read(tmp_path):
    path = tmp_path / "reported.csv"
    path.write_text("mirna,group,reference,direction,source\nhsa-miR-21-5p, a b,normal,up,x\n")
    assert read_directions(path).to_dict("records") == [
        {
            "mirna": "hsa-miR-21-5p",
            "group": "a b",
            "reference": "normal",
            "direction": "up",
            "source": "x",
        }
    ]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("mirna,group,reference,direction\n", "lacks the column source"),
        ("mirna,group,reference,direction,source\nm,a,b,higher,x\n", "row 2: needs mirna"),
        ("mirna,group,reference,direction,source\nm,a,b,up,x\nm,,b,up,x\n", "row 3: needs mirna"),
        (
            "mirna,group,reference,direction,source\nm,a,b,up,x\nm,a,b,down,y\n",
            "row 3 stands there twice",
        ),
    ],
)
def test_a_list_that_is_none_is_refused(tmp_path, text, said):
    path = tmp_path / "reported.csv"
    path.write_text(text)
    with pytest.raises(InputError, match=said):
        read_directions(path)


def test_a_list_that_is_not_there_is_refused(tmp_path):
    with pytest.raises(InputError, match=r"no file .*reported\.csv; give a csv with columns mirna"):
        read_directions(tmp_path / "reported.csv")
