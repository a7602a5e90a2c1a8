include { bytesIn } from '../../../subworkflows/local/utils/sizes'
include { onFailure } from '../../../subworkflows/local/utils/failures'

process PREDICT {
    tag "${meta.id}"
    label 'process_low'
    label 'process_gpu'
    errorStrategy { onFailure(task, meta) }
    ext bytes: { bytesIn(prepared) }

    conda "${moduleDir}/../environment.yml"

    input:
    tuple val(meta), path(prepared)
    tuple val(model_digest), path(model, stageAs: 'model')

    output:
    tuple val(meta), path("shard/${meta.id}"), emit: shard, optional: true
    tuple val(meta), path("verdict/${meta.id}.json"), emit: verdict, optional: true
    tuple val(task.process), val('sicmir-atlas'), eval('sicmir-step --version'), topic: versions, emit: versions

    script:
    def args = task.ext.args ?: ''
    // get() keeps it out of the task's hash: a resume with it does nothing again
    def fallback = task.ext.get('cpu_fallback') ? '--cpu-fallback' : ''
    def device = task.accelerator ? 'cuda' : 'cpu'
    """
    mkdir shard verdict
    sicmir-step predict-dataset \\
        --prepared ${prepared} \\
        --model ${model} \\
        --verdicts verdict \\
        --device ${device} ${fallback} \\
        ${args} \\
        -o 'shard/${meta.id}'
    """

    stub:
    """
    mkdir -p 'shard/${meta.id}'
    """
}
