include { onFatal } from '../../../subworkflows/local/utils/failures'

process TRAINRUN {
    tag "${meta.id}"
    label 'process_low'
    label 'process_gpu'
    label 'process_torch'
    errorStrategy { onFatal(task) }

    conda "${moduleDir}/../environment-train.yml"

    input:
    tuple val(meta), path(split)
    tuple path(mrna, stageAs: 'mrna/*'), path(mirna, stageAs: 'mirna/*'), path(strata, stageAs: 'strata/*')

    output:
    tuple val(meta), path("runs/${meta.id}"), emit: run
    tuple val(task.process), val('sicmir-atlas'), eval('sicmir-step --version'), topic: versions, emit: versions

    script:
    def args = task.ext.args ?: ''
    def cohorts = strata ? "--strata '${strata}'" : ''
    def device = task.accelerator ? 'cuda' : 'cpu'
    """
    sicmir-step train '${mrna}' '${mirna}' ${cohorts} \\
        --split ${split} \\
        --seed ${meta.seed} \\
        --device ${device} \\
        ${args} \\
        -o 'runs/${meta.id}'
    """

    stub:
    """
    mkdir -p 'runs/${meta.id}'
    """
}
