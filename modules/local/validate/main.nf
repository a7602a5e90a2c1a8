include { bytesOfTables } from '../../../subworkflows/local/utils/sizes'
include { onFatal } from '../../../subworkflows/local/utils/failures'

process VALIDATE {
    label 'process_single'
    errorStrategy { onFatal(task) }
    ext bytes: { bytesOfTables(atlas) }

    conda "${moduleDir}/../environment.yml"

    input:
    path atlas
    path existing, stageAs: 'existing.json'
    val code

    output:
    path 'validation.txt', emit: report
    tuple val(task.process), val('sicmir-atlas'), eval('sicmir-step --version'), topic: versions, emit: versions

    script:
    def args = task.ext.args ?: ''
    """
    sicmir-step validate ${atlas} ${existing ? '--existing existing.json' : ''} ${args} > validation.txt
    """

    stub:
    """
    touch validation.txt
    """
}
