include { lastNote } from './failures'
include { digest } from './folders'

// Parameters as text: for CHECK, for the manifest, for the help; and what a run says at its end.

// parameters: all of them as JSON; shaping: those that shape results, the model apart
def settings(given, schema) {
    def groups = schema['$defs'].subMap(['quality_control', 'prediction']).values()
    def shaping = groups.collectMany { group -> group.properties.keySet() } - ['model']
    return [
        parameters: groovy.json.JsonOutput.toJson(given.findAll { name, _value -> name != 'help' }.sort()),
        shaping: groovy.json.JsonOutput.toJson(given.subMap(shaping).sort()),
        schema: file("${projectDir}/nextflow_schema.json"),
    ]
}

// A shipped model by name, or a folder, with the digest of what is in it.
def modelFolder(name) {
    def shipped = file("${projectDir}/bin/sicmir_atlas/data/models/${name}")
    def folder = shipped.exists() ? shipped : file(name, glob: false)
    if (!folder.resolve('model.json').exists()) {
        error("No model folder ${name}: --model takes the name of a shipped model or a folder with model.json")
    }
    return [digest(folder), folder]
}

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

// outcomes: see ATLAS; atlas: where it was published, null if it was not
def summary(outcomes, atlas, outdir) {
    def by = outcomes.groupBy { o -> o.status }
    def count = ['included', 'excluded', 'failed'].collect { status -> "${(by[status] ?: []).size()} ${status}" }.join(', ')
    def kept = outcomes.count { o -> o.kept }
    def taken = kept ? ["Taken over from the existing atlas: ${kept}"] : []
    def unresolved = outcomes.findAll { o -> o.unresolved }.groupBy { o -> o.unresolved }.sort()
        .collect { row, datasets -> "  ${row}: not looked up this time (${lastNote(row)}); ${datasets.size()} taken over as they were" }
    def rest = ['excluded', 'failed'].collectMany { status -> (by[status] ?: []).sort { o -> o.id } }
        .collect { o -> "  ${o.status} ${o.id}: ${o.reason}" }
    def again = by.failed || unresolved || !atlas ? ['Mend what failed and run the same command with -resume: what is done is not done again.'] : []
    def where = [atlas ? "Atlas: ${atlas}" : 'No atlas was written.', "Report: ${outdir}/report.html", "Trace and timeline: ${outdir}/pipeline_info"]
    return (["Datasets: ${outcomes ? count : 'none was read'}"] + taken + unresolved + rest + where + again).join('\n')
}
