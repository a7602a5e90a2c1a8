include { onFailure } from '../../../subworkflows/local/utils/failures'

process RESOLVE {
    tag "${meta.id}"
    label 'process_single'
    errorStrategy { onFailure(task, meta) }

    conda "${moduleDir}/../environment.yml"

    input:
    tuple val(meta), path(row, stageAs: 'dataset.json')
    path blocklist

    output:
    tuple val(meta), path('resolved/*', arity: '0..*'), path('verdict/*.json', arity: '0..*'), emit: datasets
    tuple val(task.process), val('sicmir-atlas'), eval('sicmir-step --version'), topic: versions, emit: versions

    script:
    def args = task.ext.args ?: ''
    def blocked = blocklist ? "--blocklist ${blocklist}" : ''
    """
    sicmir-step resolve \\
        --dataset ${row} \\
        --verdicts verdict \\
        ${blocked} \\
        ${args} \\
        -o resolved
    """

    stub:
    """
    mkdir -p 'resolved/${meta.id}'
    echo '[]' > 'resolved/${meta.id}/files.json'
    echo '{"row": "${meta.id}", "dataset_id": "${meta.id}", "columns": {}}' > 'resolved/${meta.id}/facts.json'
    """
}
