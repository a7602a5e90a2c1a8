include { onFatal } from '../../../subworkflows/local/utils/failures'

process CHECK {
    tag "${samplesheet.name}"
    label 'process_single'
    errorStrategy { onFatal(task) }

    conda "${moduleDir}/../environment.yml"

    input:
    path samplesheet
    val base        // folder or address that relative file names in the samplesheet belong to
    val parameters  // every parameter, as JSON
    path schema
    path overrides
    val code

    output:
    path 'checked.json', emit: rows
    path 'recipe.json', emit: recipe
    tuple val(task.process), val('sicmir-atlas'), eval('sicmir-step --version'), topic: versions, emit: versions

    script:
    checkCommand(samplesheet, base, parameters, schema, overrides)

    stub:
    // a stub run walks the rows of the samplesheet, so they are read for real
    checkCommand(samplesheet, base, parameters, schema, overrides)
}

def checkCommand(samplesheet, base, parameters, schema, overrides) {
    return """\
    cat > params.json <<'JSON'
    ${parameters}
    JSON

    sicmir-step check \\
        --input ${quoted(samplesheet)} \\
        --base ${quoted(base)} \\
        --params params.json \\
        --schema ${schema} \\
        ${overrides ? "--overrides ${quoted(overrides)}" : ''} \\
        --recipe recipe.json \\
        -o checked.json
    """.stripIndent()
}

// As one word of the shell, whatever folders and files are called.
def quoted(text) {
    return "'${text.toString().replace("'", "'\\''")}'"
}
