// Parameters as text: the help, and what the run says at its end.

def parameterLine(name, p) {
    def kind = p['enum'] ? p['enum'].findAll { value -> value != null }.join('|') : [p.type].flatten().findAll { t -> t != 'null' }.join('|')
    def extra = [p['default'] == null ? null : "default: ${p['default']}", p.examples && p['default'] == null ? "such as ${p.examples[0]}" : null].findAll { text -> text }.join(', ')
    def head = "  --${name} <${kind}>".padRight(40)
    return "${head}${p.description}${extra ? " [${extra}]" : ''}"
}

def helpText(schema) {
    def groups = schema.allOf.collect { ref ->
        def group = schema['$defs'][ref['$ref'].tokenize('/').last()]
        def lines = group.properties.collect { name, p -> parameterLine(name, p) }
        return "${group.title}: ${group.description}\n${lines.join('\n')}"
    }
    return """\
        |${schema.description}
        |
        |  nextflow run main.nf --input datasets.csv --outdir results -profile <test|slurm>[,gpu][,docker|podman|singularity|conda]
        |
        |${groups.join('\n\n')}
        |
        |Add -resume to go on where an earlier run stopped. Columns of the samplesheet: docs/usage.md.
        |""".stripMargin()
}

// outcomes: [id, status, reason] of every dataset; atlas: where it was published, null if it was not
def summary(outcomes, atlas, outdir) {
    def by = outcomes.groupBy { o -> o.status }
    def count = ['included', 'excluded', 'failed'].collect { status -> "${(by[status] ?: []).size()} ${status}" }.join(', ')
    def rest = ['excluded', 'failed'].collectMany { status -> (by[status] ?: []).sort { o -> o.id } }
        .collect { o -> "  ${o.status} ${o.id}: ${o.reason}" }
    def again = by.failed || !atlas ? ['Mend what failed and run the same command with -resume: what is done is not done again.'] : []
    def where = [atlas ? "Atlas: ${atlas}" : 'No atlas was written.', "Trace and reports: ${outdir}/pipeline_info"]
    return (["Datasets: ${outcomes ? count : 'none was read'}"] + rest + where + again).join('\n')
}
