"""Look-ups at GEO, and its pages of refusal told apart (sources spec, sections 1.1 and 1.3)."""

from __future__ import annotations

import html
import io
import re
from typing import TYPE_CHECKING, TypeVar

from sicmir_atlas.errors import GoneError, InputError, UnavailableError
from sicmir_atlas.sources.files import mask
from sicmir_atlas.sources.geo.soft import Entity, read_soft
from sicmir_atlas.sources.retry import Retry, persist

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Literal

    from sicmir_atlas.sources.http import Client

__all__ = ["BLOCKED", "insist", "look_up"]

_Reply = TypeVar("_Reply")

BLOCKED = "blocked: a web page in place of the record, as for a captcha or at maintenance"
_DATE = r"(?P<date>[A-Za-z]{3,9}\.? \d{1,2},? \d{4}|\d{4}[-/]\d\d[-/]\d\d|\d\d/\d\d/\d{4})"
_REFUSALS: tuple[tuple[re.Pattern[str], type[GoneError | InputError], str], ...] = (
    (
        re.compile(r"could not find a public or private accession", re.IGNORECASE),
        GoneError,
        "GEO knows no such public record: check the accession; a private one may hide behind this",
    ),
    (
        re.compile(rf"currently private(?:.*?scheduled to be released on {_DATE})?", re.IGNORECASE),
        GoneError,
        "private until {date}: leave the row out until then, or use source file with files from "
        "its authors",
    ),
    (
        re.compile(rf"was deleted by the GEO staff(?: on {_DATE})?", re.IGNORECASE),
        GoneError,
        "withdrawn by GEO on {date}: remove it from the samplesheet",
    ),
    (
        re.compile(r"not yet approved by GEO curators", re.IGNORECASE),
        GoneError,
        "pending: GEO's curators have not approved it yet; add it again once it is public",
    ),
    (
        re.compile(r"GDSbrowser", re.IGNORECASE),
        InputError,
        "a curated DataSet (GDS) is not served: give the series it was made from (GSE…)",
    ),
)


def look_up(
    accession: str,
    client: Client,
    *,
    targ: Literal["self", "gsm"] = "self",
    patient: bool = True,
) -> list[Entity]:
    """Ask GEO for a record, or with ``gsm`` for all samples of a series.

    The order of the parameters matters: with ``targ=self`` it is the one that no captcha guards.

    Parameters
    ----------
    accession
        GSE or GSM, in capitals.
    client
        Says where GEO is.
    targ
        What to ask for; platforms, which carry large tables, never are.
    patient
        Ask again, after a pause, where a web page comes in place of the record.

    Raises
    ------
    GoneError
        If the record is missing, private, withdrawn or pending.
    InputError
        If GEO does not serve records of this kind.
    UnavailableError
        If GEO keeps answering with other pages.
    """
    base = f"{client.services.geo_url}/query/acc.cgi"
    url = f"{base}?targ={targ}&acc={accession}&form=text&view=brief"

    def once() -> str:
        try:
            text = client.text(url)
        except (GoneError, UnavailableError) as error:
            msg = f"{accession}: {error}"
            raise type(error)(msg) from error
        _refuse_page(text, accession, targ)
        return text

    text = insist(once, client, address=f"{accession}: {mask(base)}", patient=patient)
    return list(read_soft(io.StringIO(text, newline="\n")))


def insist(
    once: Callable[[], _Reply], client: Client, *, address: str, patient: bool = True
) -> _Reply:
    """Call again, as often and with such pauses as the client would, while `Retry` is raised."""
    tries = client.tries if patient else 1
    return persist(once, address=address, tries=tries, wait=client.wait)


def _refuse_page(text: str, accession: str, targ: Literal["self", "gsm"]) -> None:
    """Pass where a body is the record asked for; say what else it is.

    Raises
    ------
    GoneError, InputError
        See :func:`look_up`.
    Retry
        If it is another page, or cut short.
    """
    if text.startswith("^"):
        kind = "SAMPLE" if accession.startswith("GSM") else "SERIES"
        own = rf"^\^{kind} *= *{accession}\s*$" if targ == "self" else rf"\b{accession}\b"
        if re.search(own, text, re.IGNORECASE | re.MULTILINE) and text.endswith("\n"):
            return
        msg = f"the record is cut short, or is not of {accession}"
        raise Retry(msg)
    if "recaptcha" in text.lower():
        raise Retry(BLOCKED)
    plain = " ".join(html.unescape(re.sub(r"<[^>]*>", " ", text)).split())
    for pattern, error, meaning in _REFUSALS:
        found = pattern.search(plain) or pattern.search(text)
        if found:
            date = found.groupdict().get("date") or "a day it does not name"
            msg = f"{accession}: {meaning.format(date=date)}"
            raise error(msg)
    raise Retry(BLOCKED)
