include { bytesOfTables } from '../../../subworkflows/local/utils/sizes'
include { onFatal } from '../../../subworkflows/local/utils/failures'

process CONSOLIDATE {
    label 'process_low'
    label 'process_long'
    errorStrategy { onFatal(task) }
    ext bytes: { bytesOfTables([shards, existing]) }

    conda "${moduleDir}/../environment.yml"

    input:
    path checked
    path facts, stageAs: 'facts/?/*'
    path shards, stageAs: 'shards/*'
    path verdicts, stageAs: 'verdicts/*'
    path failures, stageAs: 'failures/*'
    path existing, stageAs: 'existing'
    val known       // [kept: datasets taken over from it, fingerprints: of all datasets, manifest: its digest], as JSON
    val parameters  // those that shape results, as JSON
    tuple val(model_digest), path(model, stageAs: 'model')
    val code

    output:
    path 'atlas', emit: atlas
    tuple val(task.process), val('sicmir-atlas'), eval('sicmir-step --version'), topic: versions, emit: versions

    script:
    def args = task.ext.args ?: ''
    def extend = existing ? "--atlas existing --existing-sha256 ${known.manifest} --kept kept.json" : ''
    """
    cat > params.json <<'JSON'
    ${parameters}
    JSON

    cat > kept.json <<'JSON'
    ${known.kept}
    JSON

    cat > fingerprints.json <<'JSON'
    ${known.fingerprints}
    JSON

    mkdir -p facts shards verdicts failures
    sicmir-step consolidate \\
        --shards shards \\
        --verdicts verdicts \\
        --failures failures \\
        --datasets ${checked} \\
        --facts facts \\
        --parameters params.json \\
        --model ${model} \\
        ${extend} \\
        --fingerprints fingerprints.json \\
        ${args} \\
        -o atlas
    """

    stub:
    """
    mkdir -p atlas/cells atlas/cell_mirna atlas/pool_mirna
    touch atlas/datasets.parquet atlas/manifest.json atlas/atlas.duckdb
    """
}
