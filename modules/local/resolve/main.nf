include { onFailure } from '../../../subworkflows/local/utils/failures'

process RESOLVE {
    tag "${meta.id}"
    label 'process_single'
    errorStrategy { onFailure(task, meta) }

    conda "${moduleDir}/../environment.yml"

    input:
    tuple val(meta), val(row)

    output:
    tuple val(meta), path('files.json'), emit: files, optional: true
    tuple val(meta), path("verdict/${meta.id}.json"), emit: verdict, optional: true
    tuple val(task.process), val('sicmir-atlas'), eval('sicmir-step --version'), topic: versions, emit: versions

    script:
    def args = task.ext.args ?: ''
    """
    cat > dataset.json <<'JSON'
    ${row}
    JSON

    mkdir verdict
    sicmir-step resolve \\
        --dataset dataset.json \\
        --verdict 'verdict/${meta.id}.json' \\
        ${args} \\
        -o files.json
    """

    stub:
    """
    echo '[]' > files.json
    """
}
