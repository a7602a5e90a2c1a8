include { bytesOfTables } from '../../../subworkflows/local/utils/sizes'
include { onFatal } from '../../../subworkflows/local/utils/failures'

process REPORT {
    label 'process_low'
    errorStrategy { onFatal(task) }
    ext bytes: { bytesOfTables([atlas, previous]) }

    conda "${moduleDir}/../environment.yml"

    input:
    path atlas
    path previous, stageAs: 'previous'
    val code

    output:
    path 'report.html', emit: page
    path '*_mqc.json', emit: multiqc
    tuple val(task.process), val('sicmir-atlas'), eval('sicmir-step --version'), topic: versions, emit: versions

    script:
    def args = task.ext.args ?: ''
    """
    sicmir-step report ${atlas} \\
        ${previous ? '--previous previous' : ''} \\
        --multiqc sicmir_atlas_mqc.json \\
        --run-folder pipeline_info \\
        ${args} \\
        -o report.html
    """

    stub:
    """
    touch report.html sicmir_atlas_mqc.json
    """
}
