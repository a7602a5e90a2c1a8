include { onFatal } from '../../../subworkflows/local/utils/failures'

process EVALUATERUNS {
    tag "${runs.size()} runs"
    label 'process_low'
    errorStrategy { onFatal(task) }

    conda "${moduleDir}/../environment.yml"

    input:
    path runs, stageAs: 'runs/*', arity: '1..*'
    tuple path(mrna, stageAs: 'mrna/*'), path(mirna, stageAs: 'mirna/*'), path(strata, stageAs: 'strata/*')
    val code

    output:
    path 'evaluation', emit: evaluation
    tuple val(task.process), val('sicmir-atlas'), eval('sicmir-step --version'), topic: versions, emit: versions

    script:
    def args = task.ext.args ?: ''
    def cohorts = strata ? "--strata '${strata}'" : ''
    """
    sicmir-step evaluate-runs ${runs.collect { folder -> "'${folder}'" }.join(' ')} \\
        --mrna '${mrna}' \\
        --mirna '${mirna}' \\
        ${cohorts} \\
        ${args} \\
        -o evaluation
    """

    stub:
    """
    mkdir evaluation
    touch evaluation/{runs.csv,runs.json,per_mirna.csv}
    """
}
