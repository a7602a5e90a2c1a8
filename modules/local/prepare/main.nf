include { bytesIn } from '../../../subworkflows/local/utils/sizes'
include { onFailure } from '../../../subworkflows/local/utils/failures'

process PREPARE {
    tag "${meta.id}"
    label 'process_low'
    errorStrategy { onFailure(task, meta) }
    ext bytes: { bytesIn(fetched) }

    conda "${moduleDir}/../environment.yml"

    input:
    tuple val(meta), val(row), val(facts), val(overrides), path(fetched)

    output:
    tuple val(meta), path('prepared'), emit: prepared, optional: true
    tuple val(meta), path("verdict/${meta.id}.json"), emit: verdict, optional: true
    tuple val(task.process), val('sicmir-atlas'), eval('sicmir-step --version'), topic: versions, emit: versions

    script:
    def args = task.ext.args ?: ''
    """
    cat > dataset.json <<'JSON'
    ${row}
    JSON

    cat > facts.json <<'JSON'
    ${facts}
    JSON

    cat > overrides.json <<'JSON'
    ${overrides}
    JSON

    mkdir verdict
    sicmir-step prepare \\
        --dataset dataset.json \\
        --facts facts.json \\
        --overrides overrides.json \\
        --fetched ${fetched} \\
        --verdicts verdict \\
        ${args} \\
        -o prepared
    """

    stub:
    """
    mkdir prepared
    """
}
