from __future__ import annotations

import csv

import pytest

from sicmir_atlas.names import landmarks, mirnas, parse_mirna, read_data_table


def test_panels_have_the_published_sizes():
    assert len(set(landmarks())) == len(landmarks()) == 977
    assert len(set(mirnas())) == len(mirnas()) == 1298
    assert "XBP1" not in landmarks()


@pytest.mark.real
def test_panels_are_in_the_published_order(shared_data):
    with (shared_data / "facts/l1000_landmarks.tsv").open() as file:
        rows = list(csv.DictReader(file, delimiter="\t"))
    assert landmarks() == tuple(row["symbol"] for row in rows)
    assert mirnas() == tuple((shared_data / "facts/mirna_panel.txt").read_text().split())


def test_no_name_has_space_around_it():
    assert "hsa-miR-125b-5p" in mirnas()  # it does where the list was published
    assert all(name == name.strip() for name in (*mirnas(), *landmarks()))


@pytest.mark.parametrize(
    ("name", "stem", "arm"),
    [
        ("hsa-miR-21-5p", "hsa-miR-21", "5p"),
        ("hsa-miR-30c-2-3p", "hsa-miR-30c-2", "3p"),
        ("hsa-miR-451a", "hsa-miR-451a", None),
        ("hsa-let-7a-5p", "hsa-let-7a", "5p"),
        ("hsa-miR-1-15p", "hsa-miR-1-15p", None),
    ],
)
def test_parse_mirna(name, stem, arm):
    assert parse_mirna(name) == (stem, arm)


def test_arms_of_the_panel():
    arms = [parse_mirna(name).arm for name in mirnas()]
    assert [arms.count(arm) for arm in ("3p", "5p", None)] == [571, 512, 215]


def test_every_table_is_text_and_keeps_names_that_look_like_nothing():
    table = read_data_table("landmark_aliases.tsv")
    assert not table.isna().to_numpy().any()
    assert all(isinstance(value, str) for value in table.to_numpy().ravel())
