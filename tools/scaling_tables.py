"""Tables of docs/scaling.md, and what follows from them for 10,000 datasets."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

__all__ = ["TABLES", "straight_line", "with_tables"]

Run = dict[str, Any]
MANY = 10_000


def with_tables(page: str, runs: dict[str, Run]) -> str:
    """Write each table between its marks; one of which nothing was measured stays as it is."""
    for name, table in TABLES.items():
        mark, end = f"<!-- scaling {name} -->\n", "\n<!-- end -->"
        before, found, rest = page.partition(mark)
        assert found, f"the page has no place for {name}"
        kind = name.partition(" ")[0]
        of_kind = [run for key, run in runs.items() if key.split()[0] == kind]
        if of_kind:
            page = before + mark + table(of_kind) + end + rest.partition(end)[2]
    return page


HEAD: dict[str, Callable[[Run], float]] = {
    "head, CPU s": lambda run: run["head_cpu_s"],
    "heap, MB": lambda run: run["heap_mb"],
    "trace.txt, MB": lambda run: run["kb"]["trace.txt"] / 1024,
    "timeline.html, MB": lambda run: run["kb"]["timeline.html"] / 1024,
    "report.html, MB": lambda run: run["kb"]["report.html"] / 1024,
    ".nextflow/cache, MB": lambda run: run["kb"]["cache"] / 1024,
}


def stub(runs: list[Run]) -> str:
    """Each run, and the straight line through them at 10,000 datasets."""
    names = ("datasets", "tasks", "s", "tasks, CPU s", "head, most MB", *HEAD)
    rows = [
        (
            *(f"{run['n']:,}", f"{tasks(run):,}", f"{run['wall_s']:,.0f}"),
            *(f"{run['tasks_cpu_s']:,.0f}", f"{run['head_peak_mb']:,.0f}"),
            *(f"{figure(run):,.2f}" for figure in HEAD.values()),
        )
        for run in runs
    ]
    n_tasks = 4 * MANY + tasks(runs[0]) - 4 * runs[0]["n"]
    lines = {
        name: straight_line([(tasks(run), figure(run)) for run in runs])
        for name, figure in HEAD.items()
    }
    then = [f"{slope * n_tasks + start:,.0f}" for slope, start in lines.values()]
    rows.append((f"*{MANY:,}, extrapolated*", f"{n_tasks:,}", "", "", "", *then))
    return markdown(names, rows)


def real(runs: list[Run]) -> str:
    """Steps of the largest run."""
    run = runs[-1]
    total = sum(step["cpu_s"] for step in run["steps"].values()) + run["head_cpu_s"]
    rows = [
        (
            *(
                name,
                f"{step['n']:.0f}",
                f"{step['cpu_s']:,.0f}",
                f"{step['cpu_s'] / step['n']:.1f}",
            ),
            *(f"{100 * step['cpu_s'] / total:.0f} %", f"{step['mb']:,.0f}"),
        )
        for name, step in run["steps"].items()
        if step["cpu_s"]
    ]
    head = f"{run['head_cpu_s']:,.0f}"
    share = f"{100 * run['head_cpu_s'] / total:.0f} %"
    rows.append(("the head", "", head, "", share, f"{run['head_peak_mb']:,.0f}"))
    names = ("step", "tasks", "CPU s", "CPU s a task", "share", "most memory, MB")
    spent = run["tasks_cpu_s"] + run["head_cpu_s"]
    busy_share = 100 * spent / run["wall_s"] / run["cores"]
    said = (
        f"{tasks(run)} tasks took {run['wall_s']:,.0f} s and {spent:,.0f} CPU s, with the head and "
        f"Nextflow's wrappers around tasks: {spent / run['n']:.1f} CPU s a dataset. So the run had "
        f"{busy_share:.0f} % of {run['cores']} cores."
    )
    return f"{markdown(names, rows)}\n\n{said}"


def gather(runs: list[Run]) -> str:
    """Steps of the whole atlas, by the number of datasets."""
    names = ("datasets", "step", "CPU s", "most memory, MB")
    rows = [
        (f"{run['n']:,}", name, f"{step['cpu_s']:.1f}", f"{step['mb']:,.0f}")
        for run in runs
        for name, step in run["steps"].items()
    ]
    return markdown(names, rows)


QUEUE = {
    "most in the queue": "most",
    "most running": "most_running",
    "longest gap, s": "gap_s",
    "most sbatch in a second": "most_submitted_in_a_second",
    "sbatch": "sbatch",
    "squeue": "squeue",
}


def slurm(runs: list[Run]) -> str:
    names = ("datasets", "`--max_lookups`", "`--job_array`", "s", "s a dataset", *QUEUE)
    runs = [{**run, "s": busy(run["queue"]["seen"])} for run in runs]
    rows = [
        (
            *(f"{run['n']}", f"{run['max_lookups']}", f"{run['job_array'] or 'no'}"),
            *(f"{run['s']:,.0f}", f"{run['s'] / run['n']:.1f}"),
            *(f"{run['queue'][key]:.0f}" for key in QUEUE.values()),
        )
        for run in runs
    ]
    return markdown(names, rows)


TABLES: dict[str, Callable[[list[Run]], str]] = {
    "stub": stub,
    "real": real,
    "gather": gather,
    "slurm": slurm,
}


def busy(seen: list[tuple[float, int, int]]) -> float:
    """Seconds from the first job in the queue to the last."""
    moments = [moment for moment, waiting, running in seen if waiting + running]
    return moments[-1] - moments[0]


def tasks(run: Run) -> int:
    return sum(int(step["n"]) for step in run["steps"].values())


def markdown(names: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    named = list(names)
    return "\n".join(f"| {' | '.join(line)} |" for line in [named, ["---:"] * len(named), *rows])


def straight_line(points: list[tuple[float, float]]) -> tuple[float, float]:
    """Least squares through points: what one more costs, and what none costs."""
    n, mean_x = len(points), sum(x for x, _ in points) / len(points)
    mean_y = sum(y for _, y in points) / n
    spread = sum((x - mean_x) ** 2 for x, _ in points)
    slope = sum((x - mean_x) * (y - mean_y) for x, y in points) / spread
    return slope, mean_y - slope * mean_x
