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
    tuple path(blocklist, stageAs: 'blocklist/*'), path(overrides, stageAs: 'overrides/*')
    val code

    output:
    path 'checked.json', emit: rows
    path 'recipe.json', emit: recipe
    tuple val(task.process), val('sicmir-atlas'), eval('sicmir-step --version'), topic: versions, emit: versions

    script:
    checkCommand(samplesheet, base, parameters, schema, blocklist, overrides)

    stub:
    // a stub run walks the rows of the samplesheet, so they are read for real
    checkCommand(samplesheet, base, parameters, schema, blocklist, overrides)
}

def checkCommand(samplesheet, base, parameters, schema, blocklist, overrides) {
    def lists = [['--blocklist', blocklist], ['--overrides', overrides]].findAll { option -> option[1] }
        .collect { option -> "${option[0]} ${quoted(option[1])}" }.join(' ')
    return """\
    cat > params.json <<'JSON'
    ${parameters}
    JSON

    sicmir-step check \\
        --input ${quoted(samplesheet)} \\
        --base ${quoted(base)} \\
        --params params.json \\
        --schema ${schema} \\
        ${lists} \\
        --recipe recipe.json \\
        -o checked.json
    """.stripIndent()
}

// As one word of the shell, whatever folders and files are called.
def quoted(text) {
    return "'${text.toString().replace("'", "'\\''")}'"
}
