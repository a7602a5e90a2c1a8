"""Ask a person what labels mean, one by one, and write every answer down at once."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

from sicmir_atlas.harmonise.candidates import Candidate, candidates
from sicmir_atlas.harmonise.decisions import add_decision
from sicmir_atlas.harmonise.overrides import Override
from sicmir_atlas.harmonise.queue import is_decided
from sicmir_atlas.names import ontologies

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from sicmir_atlas.harmonise.queue import StudyLabel

__all__ = ["Session"]

_HELP = "number, term id, or words to search; s skip, o dataset or organ, q quit"


class _Quit(Exception):  # noqa: N818  a person's wish, not an error
    pass


class Session:
    """One sitting of a curator.

    Parameters
    ----------
    table
        Table of overrides to add to.
    decisions
        Those that are there.
    curator
        Asked for before the first decision unless given.
    today
        Date of the decisions, as ISO writes it.

    Attributes
    ----------
    n_decided
        Decisions added so far.
    """

    def __init__(
        self,
        table: Path,
        decisions: Sequence[Mapping[str, Any]],
        *,
        curator: str | None,
        today: str,
    ) -> None:
        self.n_decided = 0
        self._table = table
        self._decisions = list(decisions)
        self._curator = curator
        self._today = today

    def ask(self, labels: Sequence[StudyLabel]) -> None:
        """Ask about each label that earlier answers leave open, until the person quits."""
        try:
            for number, label in enumerate(labels, 1):
                if not is_decided(label, self._decisions):
                    _say(f"\n[{number}/{len(labels)}] {_described(label)}")
                    self._ask_one(label)
        except (_Quit, EOFError, KeyboardInterrupt):
            _say("")

    def _ask_one(self, label: StudyLabel) -> None:
        offered = candidates(label.label, organ=label.organ)
        _offer(offered)
        everywhere = False
        while True:
            where = label.organ if everywhere else label.dataset_id
            answer = input(f"{_HELP}\nin {where}: ").strip()
            match answer.lower():
                case "":
                    continue
                case "s":
                    return
                case "q":
                    raise _Quit
                case "o" if label.organ is None:
                    _say("the organ is not known: a decision holds in the dataset alone")
                case "o":
                    everywhere = not everywhere
                case _:
                    term_id = _chosen(answer, offered)
                    if term_id:
                        scope = str(label.organ) if everywhere else f"dataset:{label.dataset_id}"
                        self._decide(label.label, scope, term_id)
                        return
                    if ":" not in answer and not answer.isdigit():
                        offered = candidates(answer, organ=label.organ)
                        _offer(offered)

    def _decide(self, label: str, scope: str, term_id: str) -> None:
        while not self._curator:
            self._curator = input("your name, to stand beside your decisions: ").strip()
        decision = Override(
            "cell_type", scope, label, term_id, self._curator, self._today, "sicmir-atlas harmonise"
        )
        add_decision(self._table, decision)
        self._decisions.append(decision._asdict())
        self.n_decided += 1
        where = scope.removeprefix("dataset:")
        _say(f"{label} is {ontologies().get_term_label(term_id)} ({term_id}) in {where}")


def _chosen(answer: str, offered: Sequence[Candidate]) -> str | None:
    """Term that an answer names by its number or id; says why where it names none."""
    if answer.isdigit():
        if 0 < int(answer) <= len(offered):
            return offered[int(answer) - 1].term_id
        _say(f"{answer} is none of the numbers above")
        return None
    parser, term_id = ontologies(), answer.upper()
    if ":" not in answer:
        return None
    if not term_id.startswith("CL:") or not parser.is_valid_term_id(term_id):
        _say(f"{answer} is no term of CL (CL:0000084 is one)")
        return None
    if parser.is_term_deprecated(term_id):
        instead = parser.get_term_replacement(term_id)
        _say(f"{term_id} is deprecated" + (f": take {instead}" if instead else ""))
        return None
    return term_id


def _offer(offered: Sequence[Candidate]) -> None:
    if not offered:
        _say("  no term has a name like this: search by other words")
    for number, one in enumerate(offered, 1):
        _say(f"  {number}  {one.label:<45} {one.term_id}  {one.score:.2f}  {one.why}")


def _described(label: StudyLabel) -> str:
    where = f"{label.dataset_id} ({label.organ})" if label.organ else label.dataset_id
    return f"{label.label}   {label.n_cells:,} cells, {label.share:.1%} of {where}"


def _say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()
