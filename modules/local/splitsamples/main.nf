include { onFatal } from '../../../subworkflows/local/utils/failures'

process SPLITSAMPLES {
    label 'process_single'
    errorStrategy { onFatal(task) }

    conda "${moduleDir}/../environment.yml"

    input:
    tuple path(mrna, stageAs: 'mrna/*'), path(mirna, stageAs: 'mirna/*'), path(strata, stageAs: 'strata/*')
    val code

    output:
    path 'splits', emit: splits
    tuple val(task.process), val('sicmir-atlas'), eval('sicmir-step --version'), topic: versions, emit: versions

    script:
    def args = task.ext.args ?: ''
    def cohorts = strata ? "--strata '${strata}'" : ''
    """
    sicmir-step split-samples '${mrna}' '${mirna}' ${cohorts} ${args} -o splits
    """

    stub:
    """
    mkdir splits
    touch splits/{full,fold1}-seed42.tsv
    """
}
