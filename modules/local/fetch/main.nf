include { onFailure } from '../../../subworkflows/local/utils/failures'

process FETCH {
    tag "${meta.id}"
    label 'process_single'
    label 'process_long'
    errorStrategy { onFailure(task, meta) }

    conda "${moduleDir}/../environment.yml"

    input:
    tuple val(meta), path(files, stageAs: 'files.json'), path(local, stageAs: 'local/*'), val(inside)

    output:
    tuple val(meta), path('fetched'), emit: fetched
    tuple val(task.process), val('sicmir-atlas'), eval('sicmir-step --version'), topic: versions, emit: versions

    script:
    def args = task.ext.args ?: ''
    """
    mkdir -p local
    # a container may not see the cache: then fetch without one
    mkdir -p "\${SICMIR_CACHE:-}" 2> /dev/null || unset SICMIR_CACHE
    sicmir-step fetch \\
        --files ${files} \\
        --local local \\
        \${SICMIR_CACHE:+--cache "\$SICMIR_CACHE"} \\
        ${args} \\
        -o fetched
    """

    stub:
    """
    mkdir fetched
    echo '{"files": [], "sha256": ""}' > fetched/source.json
    """
}
