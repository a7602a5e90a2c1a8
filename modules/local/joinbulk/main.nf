include { onFatal } from '../../../subworkflows/local/utils/failures'

process JOINBULK {
    tag "${cohorts.size()} cohorts"
    label 'process_low'
    errorStrategy { onFatal(task) }

    conda "${moduleDir}/../environment.yml"

    input:
    path cohorts, stageAs: 'cohorts/*', arity: '1..*'
    val code

    output:
    tuple path('bulk/mrna.csv.gz'), path('bulk/mirna.csv.gz'), path('bulk/strata.csv'), emit: tables
    path 'bulk/about.json', emit: about
    tuple val(task.process), val('sicmir-atlas'), eval('sicmir-step --version'), topic: versions, emit: versions

    script:
    def args = task.ext.args ?: ''
    """
    sicmir-step join-bulk ${cohorts.collect { folder -> "'${folder}'" }.join(' ')} ${args} -o bulk
    """

    stub:
    """
    mkdir bulk
    touch bulk/{mrna.csv.gz,mirna.csv.gz,strata.csv,about.json}
    """
}
