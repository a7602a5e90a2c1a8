include { onFatal } from '../../../subworkflows/local/utils/failures'

process TRANSFER {
    tag "${meta.id}"
    label 'process_low'
    label 'process_torch'
    errorStrategy { onFatal(task) }

    conda "${moduleDir}/../environment-train.yml"

    input:
    tuple val(meta), path(paired), path(model)

    output:
    tuple val(meta), path('transfer'), emit: transfer
    tuple val(task.process), val('sicmir-atlas'), eval('sicmir-step --version'), topic: versions, emit: versions

    script:
    def args = task.ext.args ?: ''
    """
    sicmir-step study transfer ${paired}/mrna.csv.gz ${paired}/mirna.csv.gz \\
        --strata ${paired}/strata.csv \\
        --model ./${model} \\
        ${args} \\
        -o transfer
    """

    stub:
    """
    mkdir transfer
    touch transfer/{transfer.csv,transfer.json}
    """
}
