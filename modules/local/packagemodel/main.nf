include { onFatal } from '../../../subworkflows/local/utils/failures'

process PACKAGEMODEL {
    tag "${name}"
    label 'process_single'
    errorStrategy { onFatal(task) }

    conda "${moduleDir}/../environment.yml"

    input:
    val name
    path runs, stageAs: 'runs/*', arity: '1..*'
    path evaluation
    path about
    val code

    output:
    path "model/${name}", emit: model
    tuple val(task.process), val('sicmir-atlas'), eval('sicmir-step --version'), topic: versions, emit: versions

    script:
    def args = task.ext.args ?: ''
    """
    sicmir-step package-model ${runs.collect { folder -> "'${folder}'" }.join(' ')} \\
        --evaluation ${evaluation} \\
        ${about ? "--tables ${about}" : ''} \\
        ${args} \\
        -o 'model/${name}'
    """

    stub:
    """
    mkdir -p 'model/${name}'
    """
}
