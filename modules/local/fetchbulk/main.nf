include { onFatal } from '../../../subworkflows/local/utils/failures'

process FETCHBULK {
    tag "${meta.id}"
    label 'process_single'
    label 'process_long'
    errorStrategy { onFatal(task) }

    conda "${moduleDir}/../environment.yml"

    input:
    tuple val(meta), val(url)

    output:
    tuple val(meta), path("fetched/${meta.id}"), emit: fetched
    tuple val(task.process), val('sicmir-atlas'), eval('sicmir-step --version'), topic: versions, emit: versions

    script:
    def args = task.ext.args ?: ''
    """
    sicmir-step fetch-bulk ${meta.id} --url '${url}' ${args} -o 'fetched/${meta.id}'
    """

    stub:
    """
    mkdir -p 'fetched/${meta.id}'
    touch 'fetched/${meta.id}/source.json' 'fetched/${meta.id}/mature.fa'
    """
}
