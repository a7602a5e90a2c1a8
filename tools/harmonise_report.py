#!/usr/bin/env python3
"""Print how the rules map the labels of 75 studies, each held out in turn.

tools/harmonise_report.py author_celltype_to_cl.tsv.gz
"""

from __future__ import annotations

import re
import sys
from collections import Counter, defaultdict
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "bin"))

from sfaira_labels import read_labels, unseen

from sicmir_atlas.harmonise.mapping import METHODS
from sicmir_atlas.harmonise.rollup import organs
from sicmir_atlas.harmonise.score import (
    BAR,
    Curated,
    Relation,
    agreement,
    consensus,
    current,
    held_out,
    relation,
)
from sicmir_atlas.names import ontologies

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

RELATIONS: tuple[Relation, ...] = ("same", "broader", "narrower", "other")
CLOSING = f"""
precision  share of the mapped labels whose term is the curators' term, an ancestor of it (ours is
           broader) or a descendant (narrower). A rule or step below {BAR} would be marked ! and is
           not to be applied.
strict     share whose term is the curators' term."""


class Mapped(NamedTuple):
    """A label of a study, and how our term stands to its curators'; None where we have none."""

    curated: Curated
    relation: Relation | None
    rule: tuple[str, str] = ("", "")


def main() -> None:
    labels = read_labels(Path(sys.argv[1]))
    known = [one for one in labels if one.term_id]
    scored = held_out(labels)
    mapped = [
        Mapped(
            s.curated, s.relation, (s.found.method, _step(s.found.step)) if s.found else ("", "")
        )
        for s in scored
        if s.curated.term_id
    ]
    as_is, cut = _baseline(known, _as_is), _baseline(known, _cut)
    n_studies = len({one.study for one in labels})
    print(f"{len(known):,} labels that curators of {n_studies} studies mapped; each study held out")
    print(_heading("rule"))
    for method in METHODS:
        some = [one for one in mapped if one.rule[0] == method]
        if some:
            print(_line(method, some, len(known), bar=True))
        steps = sorted({one.rule[1] for one in some} - {""})
        for step in steps:
            of_step = [one for one in some if one.rule[1] == step]
            print(_line(f"  {step}", of_step, len(known), bar=True))
    print(_line("all rules", mapped, len(known)))
    for name, apart in (("  studies looked at", False), ("  studies not looked at", True)):
        part = [one for one in mapped if unseen(one.curated.study) == apart]
        print(_line(name, part, len(part)))
    print(_line("names of CL as they are", as_is, len(known)))
    print(_line("  less s, cell, -, _", cut, len(known)))

    weights = Counter((one.label, one.term_id) for one in known)
    print(f"\n{len(weights):,} different pairs of a label and its term; each counts once")
    print(_heading("rule"))
    for name, some in (
        ("all rules", mapped),
        ("names of CL as they are", as_is),
        ("  less s, cell, -, _", cut),
    ):
        print(_line(name, some, len(weights), weights))

    print("\ncurators of two studies that have the same label")
    for name, same_organ in (("  in the same organ", True), ("  in any organ", False)):
        counted = agreement(known, same_organ=same_organ)
        n = counted.total()
        strict, line = counted["same"] / n, 1 - counted["other"] / n
        print(f"{name:<26}{n:>7,} pairs: the same term {strict:.3f}, on one line {line:.3f}")
    left = [one for one in scored if not one.curated.term_id]
    n_left = sum(one.found is not None for one in left)
    obsolete = [o for o in known if ontologies().is_term_deprecated(current(str(o.term_id)))]
    print(f"\nleft unknown by the curators: {len(left)}, mapped by the rules: {n_left}")
    print(f"obsolete terms of the curators that CL gives no successor: {len(obsolete)} labels")
    print(f"decisions learnt from all studies: {len(consensus(labels))}")
    print(CLOSING)


def _heading(first: str) -> str:
    columns = "".join(f"{name:>10}" for name in RELATIONS)
    return f"{first:<26}{'labels':>7}{'coverage':>10}{columns}{'strict':>8}{'precision':>11}"


def _line(
    name: str,
    some: Iterable[Mapped],
    total: int,
    weights: Counter[tuple[str, str | None]] | None = None,
    *,
    bar: bool = False,
) -> str:
    counted: dict[str, float] = defaultdict(float)
    for one in some:
        if one.relation:
            pair = (one.curated.label, one.curated.term_id)
            counted[one.relation] += 1 / weights[pair] if weights else 1
    n = sum(counted.values())
    columns = "".join(f"{counted[how]:>10,.0f}" for how in RELATIONS)
    strict, precision = counted["same"] / n, 1 - counted["other"] / n
    mark = " !" if bar and precision < BAR else ""
    return f"{name:<26}{n:>7,.0f}{n / total:>10.3f}{columns}{strict:>8.3f}{precision:>11.3f}{mark}"


def _step(step: str) -> str:
    return "for any organ" if step == "*" else "for one organ" if step in organs() else step


def _baseline(known: Sequence[Curated], shape: Callable[[str], str]) -> list[Mapped]:
    """Map by labels and unique synonyms alone, both sides in the same shape."""
    labels, synonyms = defaultdict(set), defaultdict(set)
    parser = ontologies()
    for label, term in parser.get_term_label_to_id_map("CL").items():
        if term.startswith("CL:") and not parser.is_term_deprecated(term):
            labels[shape(label)].add(term)
            for synonym in parser.get_term_synonyms(term):
                synonyms[shape(synonym)].add(term)
    mapped = []
    for one in known:
        terms = labels.get(shape(one.label)) or synonyms.get(shape(one.label), set())
        found = len(terms) == 1
        mapped.append(Mapped(one, relation(min(terms), current(one.term_id)) if found else None))
    return mapped


def _as_is(name: str) -> str:
    return name.strip().casefold()


def _cut(name: str) -> str:
    text = re.sub("[-_]", " ", _as_is(name)).removesuffix("s")
    return " ".join(re.sub(r"\bcells?\b", "", text).split())


if __name__ == "__main__":
    main()
