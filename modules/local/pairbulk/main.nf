include { onFatal } from '../../../subworkflows/local/utils/failures'

process PAIRBULK {
    tag "${meta.id}"
    label 'process_low'
    errorStrategy { onFatal(task) }

    conda "${moduleDir}/../environment.yml"

    input:
    tuple val(meta), path(fetched), path(mirna_names, stageAs: 'names/*')

    output:
    tuple val(meta), path("paired/${meta.id}"), emit: paired
    tuple val(task.process), val('sicmir-atlas'), eval('sicmir-step --version'), topic: versions, emit: versions

    script:
    def args = task.ext.args ?: ''
    def names = mirna_names ? "--mirna-names '${mirna_names}'" : ''
    """
    sicmir-step pair-bulk ${fetched} ${names} ${args} -o 'paired/${meta.id}'
    """

    stub:
    """
    mkdir -p 'paired/${meta.id}'
    touch 'paired/${meta.id}'/{mrna.csv.gz,mirna.csv.gz,strata.csv,about.json}
    """
}
