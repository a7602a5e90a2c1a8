"""The page in a real browser: silent, asking for nothing, fitting a phone, sortable."""

from __future__ import annotations

import pytest

from report_atlases import contents_of, dataset, hostile_atlas, write_atlas
from sicmir_atlas.atlas.diff import diff_atlases
from sicmir_atlas.report import render

VISIBLE = "[...document.querySelectorAll('#table tbody tr')].filter(r => r.offsetHeight > 0)"
IDS = VISIBLE + ".map(r => r.querySelector('b').textContent)"


@pytest.fixture(scope="module")
def pages(tmp_path_factory, demo_atlas, hostile, contents):
    """Address of each page, by its kind."""
    folder = tmp_path_factory.mktemp("pages")
    empty = write_atlas(folder / "empty", [dataset("a", status="failed", reason="broken")])
    many = hostile_atlas(folder / "many", 80)
    texts = {
        "demo": render(contents, diff=diff_atlases(hostile, demo_atlas)),
        "hostile": render(contents_of(hostile), title="long" * 60, run_files=["x" * 200]),
        "empty": render(contents_of(empty)),
        "many": render(contents_of(many)),
    }
    for name, text in texts.items():
        (folder / f"{name}.html").write_text(text, encoding="utf-8")
    return {name: (folder / f"{name}.html").as_uri() for name in texts}


@pytest.fixture
def fresh(tab):
    """Tab that has heard nothing yet."""
    tab.requests.clear()
    tab.said.clear()
    return tab


@pytest.mark.parametrize("kind", ["demo", "hostile", "empty", "many"])
@pytest.mark.parametrize(("width", "dark"), [(1200, False), (1200, True), (360, False)])
def test_a_page_is_silent_and_asks_for_nothing(fresh, pages, kind, width, dark):
    fresh.open(pages[kind], width=width, dark=dark)
    assert fresh.ask("document.readyState") == "complete"
    assert fresh.requests == [pages[kind]]
    assert fresh.said == []


@pytest.mark.parametrize(
    ("broken", "heard"),
    [
        ('<img src="http://127.0.0.1:9/x.png">', "requests"),
        ("<script>nonsense()</script>", "said"),
    ],
)
def test_the_browser_would_tell(fresh, tmp_path, broken, heard):
    page = tmp_path / "page.html"
    page.write_text(f"<!doctype html><title>t</title>{broken}")
    fresh.open(page.as_uri())
    assert len(getattr(fresh, heard)) > (heard == "requests")


@pytest.mark.parametrize("kind", ["demo", "hostile", "empty", "many"])
@pytest.mark.parametrize("width", [320, 360, 768, 1024, 1100, 1440])
def test_a_page_is_no_wider_than_the_screen(fresh, pages, kind, width):
    fresh.open(pages[kind], width=width)
    root = "document.documentElement"
    assert fresh.ask(f"{root}.scrollWidth - {root}.clientWidth") <= 0


def test_texts_of_datasets_run_nothing(fresh, pages):
    fresh.open(pages["hostile"])
    assert fresh.ask("document.scripts.length") == 1
    assert "<script>alert(1)</script>" in fresh.ask("document.body.innerText")


def test_search_status_and_order(fresh, pages):
    fresh.open(pages["many"])
    assert len(fresh.ask(IDS)) == 50
    assert fresh.ask("shown.textContent") == "50 of 82 shown"
    fresh.ask("more.click()")
    assert len(fresh.ask(IDS)) == 82
    fresh.ask("search.value = 'D00 MARKUP'.split(' ')[0]; search.dispatchEvent(new Event('input'))")
    assert len(fresh.ask(IDS)) == 10
    fresh.ask("search.value = ''; search.dispatchEvent(new Event('input'))")
    fresh.ask("document.querySelector('input[value=excluded]').click()")
    assert fresh.ask(IDS) == ["y_excluded"]
    fresh.ask("document.querySelector('input[name=status]').click()")
    fresh.ask("document.querySelectorAll('#table [role=button]')[1].click()")
    first = fresh.ask(IDS)
    assert first == sorted(first)
    fresh.ask("document.querySelectorAll('#table [role=button]')[1].focus()")
    for kind in ("keyDown", "keyUp"):
        fresh.call("Input.dispatchKeyEvent", type=kind, key="Enter", code="Enter")
    assert fresh.ask(IDS)[0] == "y_excluded"
    assert fresh.ask("table.tHead.rows[0].cells[1].ariaSort") == "descending"
    assert fresh.said == []


def test_numbers_are_ordered_as_numbers_and_nulls_come_last(fresh, tmp_path):
    rows = [dataset(f"d{n}", n_cells_raw=n, n_cells_qc=n) for n in (9, 100, 20)]
    rows.append(dataset("null"))
    page = tmp_path / "page.html"
    page.write_text(render(contents_of(write_atlas(tmp_path / "atlas", rows))))
    fresh.open(page.as_uri())
    header = "document.querySelectorAll('#table [role=button]')[3].click()"
    fresh.ask(header)
    assert fresh.ask(IDS) == ["d9", "d20", "d100", "null"]
    fresh.ask(header)
    assert fresh.ask(IDS) == ["d100", "d20", "d9", "null"]


def test_headers_stay_in_sight(fresh, pages):
    fresh.open(pages["many"], height=600)
    fresh.ask("table.rows[30].scrollIntoView()")
    top = fresh.ask("table.tHead.rows[0].cells[0].getBoundingClientRect().top")
    assert -1 < top < 1


def test_everything_is_there_without_scripts(fresh, pages):
    fresh.call("Emulation.setScriptExecutionDisabled", value=True)
    try:
        fresh.open(pages["many"])
        assert len(fresh.ask(IDS)) == 82
        assert fresh.ask("document.querySelector('.controls').offsetHeight") == 0
    finally:
        fresh.call("Emulation.setScriptExecutionDisabled", value=False)


def test_print_shows_what_the_screen_hides(fresh, pages):
    fresh.open(pages["many"])
    fresh.call("Emulation.setEmulatedMedia", media="print")
    try:
        assert len(fresh.ask(IDS)) == 82
        closed = "[...document.querySelectorAll('details:not([open])')]"
        assert fresh.ask(f"{closed}.length") > 0
        assert fresh.ask(f"{closed}.every(d => d.lastElementChild.offsetHeight > 0)")
        link = "getComputedStyle(document.querySelector('.about a'), '::after').content"
        assert "doi.org" in fresh.ask(link)
    finally:
        fresh.call("Emulation.setEmulatedMedia", media="")
    assert fresh.pdf().startswith(b"%PDF")
