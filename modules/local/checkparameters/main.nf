include { onFatal } from '../../../subworkflows/local/utils/failures'

process CHECKPARAMETERS {
    label 'process_single'
    errorStrategy { onFatal(task) }

    conda "${moduleDir}/../environment.yml"

    input:
    val parameters // every parameter, as JSON
    path schema
    val code

    output:
    path 'checked.json', emit: checked
    tuple val(task.process), val('sicmir-atlas'), eval('sicmir-step --version'), topic: versions, emit: versions

    script:
    checkCommand(parameters, schema)

    stub:
    checkCommand(parameters, schema)
}

def checkCommand(parameters, schema) {
    return """\
    cat > params.json <<'JSON'
    ${parameters}
    JSON

    sicmir-step check --params params.json --schema ${schema} -o checked.json
    """.stripIndent()
}
