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
    // get() keeps it out of the task's hash: when the cache moves, nothing is fetched again
    def cache = task.ext.get('cache') ?: ''
    """
    mkdir -p local
    # a container may not see the cache: then fetch without one
    cache='${cache.replace("'", "'\\''")}'
    mkdir -p "\$cache" 2> /dev/null || cache=
    sicmir-step fetch \\
        --files ${files} \\
        --local local \\
        \${cache:+--cache "\$cache"} \\
        ${args} \\
        -o fetched
    """

    stub:
    """
    mkdir fetched
    echo '{"files": [], "sha256": ""}' > fetched/source.json
    """
}
