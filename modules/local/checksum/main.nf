include { onFatal } from '../../../subworkflows/local/utils/failures'

process CHECKSUM {
    tag "${entries.size()} datasets"
    label 'process_single'
    label 'process_long'
    errorStrategy { onFatal(task) }

    conda "${moduleDir}/../environment.yml"

    input:
    tuple val(entries), path(datasets, stageAs: 'datasets.json'), path(local, stageAs: 'local/?/*'), val(inside)

    output:
    path 'checksums.json', emit: checksums
    tuple val(task.process), val('sicmir-atlas'), eval('sicmir-step --version'), topic: versions, emit: versions

    script:
    def args = task.ext.args ?: ''
    """
    sicmir-step checksum --datasets ${datasets} ${args} -o checksums.json
    """

    stub:
    """
    echo '{}' > checksums.json
    """
}
