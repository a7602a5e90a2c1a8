"""What a run says at its end."""

from __future__ import annotations

MAIN = """
include { summary } from 'UTILS/parameters'

workflow {
    def refused = (1..130).collect { n -> [id: "dataset_${n}", status: 'excluded', reason: 'rule'] }
    def failed = [[id: 'broken', status: 'failed', reason: 'cut short']]
    println(summary(refused + failed, file('atlas'), 'results'))
}
"""


def test_thousands_of_datasets_fit_a_terminal(nextflow, script):
    run = nextflow.run(main=script(MAIN))
    assert run.code == 0, run.output
    assert "Datasets: 0 included, 130 excluded, 1 failed\n" in run.output
    assert run.output.count("\n  excluded dataset_") == 100
    assert "\n  and 30 more excluded: SELECT dataset_id, reason FROM datasets" in run.output
    assert "\n  failed broken: cut short\n" in run.output
