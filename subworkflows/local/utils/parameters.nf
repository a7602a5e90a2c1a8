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

// What only a combination of profiles needs.
def refuseIncomplete(given) {
    if (workflow.profile.tokenize(',').containsAll(['gpu', 'googlebatch']) && !given.gpu_type) {
        error("--gpu_type is missing: Google Batch attaches GPUs by their type, such as --gpu_type nvidia-l4 to --gpu_machine g2-standard-8")
    }
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

// Tables of one's own to train on: [mrna, mirna, strata or []], or [] where none are given.
def tablesGiven(given) {
    if (!given.mrna && !given.mirna) {
        if (given.strata) {
            error('--strata tells the cohorts of --mrna and --mirna: give these too, or choose among the cohorts of TCGA with --cohorts')
        }
        return []
    }
    if (!given.mrna || !given.mirna) {
        error("--${given.mrna ? 'mirna' : 'mrna'} is missing: --mrna and --mirna are tables of the same samples")
    }
    return [given.mrna, given.mirna, given.strata].collect { name -> name ? file(name, checkIfExists: true, glob: false) : [] }
}

def cancersOfTcga() {
    return [
        'ACC BLCA BRCA CESC CHOL COAD DLBC ESCA GBM HNSC KICH',
        'KIRC KIRP LAML LGG LIHC LUAD LUSC MESO OV PAAD PCPG',
        'PRAD READ SARC SKCM STAD TGCT THCA THYM UCEC UCS UVM',
    ].collectMany { codes -> codes.tokenize() }
}

// Which public cohorts, and where they are.
def toTrainOn(given) {
    return [
        cohorts: given.cohorts == 'all' ? cancersOfTcga() : given.cohorts.tokenize(',').unique(),
        gtex: given.gtex.toString().toBoolean(),
        urls: [tcga: given.xena_url, GTEX: given.gtex_url, MIRBASE: given.mirbase_url],
    ]
}

// Lines of at most so many characters; a longer word stands alone.
def wrapped(text, width) {
    return text.tokenize(' ').inject([]) { lines, word ->
        lines && lines.last().size() + word.size() < width
            ? lines.init() + ["${lines.last()} ${word}".toString()]
            : lines + [word]
    }
}

// `--name <kind>` and what it means beside it, in 80 columns
def entry(head, text) {
    def lines = wrapped(text, 48)
    def first = head.size() < 31 ? [head.padRight(31) + lines[0]] + lines.tail().collect { line -> ' ' * 31 + line } : []
    return (first ?: [head] + lines.collect { line -> ' ' * 31 + line }).join('\n')
}

def kindOf(p) {
    return p['enum'] ? p['enum'].findAll { value -> value != null }.join('|') : [p.type].flatten().findAll { t -> t != 'null' }.join('|')
}

def parameterLine(name, p, needed) {
    def extra = [
        needed && p['default'] == null ? 'needed' : null,
        p['default'] == null ? null : "default: ${p['default']}",
        p.examples && p['default'] == null ? "such as ${p.examples[0]}" : null,
    ].findAll { text -> text }.join(', ')
    return entry("  --${name} <${kindOf(p)}>", "${p.description}${extra ? " [${extra}]" : ''}")
}

def groupsOf(schema) {
    return schema.allOf.collect { ref -> schema['$defs'][ref['$ref'].tokenize('/').last()] }
}

// All there is to say of one parameter, whose name may be given with dashes.
def parameterText(schema, asked) {
    def name = asked.replaceFirst(/^-+/, '').replace('-', '_')
    def group = groupsOf(schema).find { g -> g.properties.containsKey(name) }
    if (!group) {
        def parts = name.tokenize('_').findAll { part -> part.size() > 2 }
        def like = groupsOf(schema).collectMany { g -> g.properties.keySet() }.findAll { n -> parts.any { part -> n.contains(part) } }
        error("No parameter --${name}${like ? ": do you mean ${like.collect { n -> "--${n}" }.join(', ')}?" : '; all of them: nextflow run main.nf --help'}")
    }
    def p = group.properties[name]
    def facts = [
        ['Group', group.title],
        ['Value', kindOf(p) + (group.required?.contains(name) && p['default'] == null ? ', needed' : '')],
        ['Default', p['default']],
        ['At least', p.minimum],
        ['Above', p.exclusiveMinimum],
        ['At most', p.maximum],
        ['Such as', p.examples?.collect { e -> "--${name} ${e}" }?.join(', ')],
    ].findAll { fact -> fact[1] != null }.collect { fact -> "  ${fact[0].padRight(10)}${fact[1]}" }
    def prose = [p.description, p.help_text].findAll { text -> text }.collect { text -> wrapped(text, 80).join('\n') }
    return (["--${name}"] + prose + [facts.join('\n')]).join('\n\n')
}

def helpText(schema, asked) {
    if (!(asked.toString() in ['true', 'false'])) {
        return parameterText(schema, asked.toString())
    }
    def groups = groupsOf(schema).collect { group ->
        def lines = group.properties.collect { name, p -> parameterLine(name, p, group.required?.contains(name)) }
        return "${wrapped("${group.title}: ${group.description}", 80).join('\n')}\n${lines.join('\n')}"
    }
    return """\
        |${wrapped(schema.description, 80).join('\n')}
        |
        |  nextflow run main.nf --input datasets.csv --outdir results [-profile NAMES]
        |
        |Examples:
        |  the simulated demo, after `make demo` has written its data
        |    nextflow run main.nf -profile test
        |  on a cluster, with a GPU for the predictions; and again, after a crash
        |    nextflow run main.nf --input datasets.csv -profile slurm,gpu --gpu_queue gpu -resume
        |  datasets.csv has ten rows more than the atlas that was built from it
        |    nextflow run main.nf --input datasets.csv --atlas results/atlas
        |  a model of the published recipe, from TCGA's 33 cancers
        |    nextflow run main.nf --workflow train --outdir trained -profile gpu
        |  all there is to say of one parameter
        |    nextflow run main.nf --help max_pct_mt
        |
        |${groups.join('\n\n')}
        |
        |Profiles, joined by commas: test or test_full; strict; gpu; slurm, awsbatch,
        |googlebatch, azurebatch or k8s; docker, podman, singularity, apptainer or conda.
        |Parameters may stand in a file, too: -params-file params.yaml.
        |Add -resume to go on where an earlier run stopped.
        |Columns of the samplesheet, inclusion rules and QC: docs/usage.md.
        |""".stripMargin()
}

// A terminal shows some of thousands; the table has all.
def firstOf(outcomes, status) {
    def lines = outcomes.sort { o -> o.id }.collect { o -> "  ${status} ${o.id}: ${o.reason}" }
    def more = lines.size() - 100
    return more > 0 ? lines.take(100) + ["  and ${more} more ${status}: SELECT dataset_id, reason FROM datasets WHERE status = '${status}'"] : lines
}

// outcomes: see ATLAS; atlas: where it was published, null if it was not
def summary(outcomes, atlas, outdir) {
    def by = outcomes.groupBy { o -> o.status }
    def count = ['included', 'excluded', 'failed'].collect { status -> "${(by[status] ?: []).size()} ${status}" }.join(', ')
    def kept = outcomes.count { o -> o.kept }
    def taken = kept ? ["Taken over from the existing atlas: ${kept}"] : []
    def unresolved = outcomes.findAll { o -> o.unresolved }.groupBy { o -> o.unresolved }.sort()
        .collect { row, datasets -> "  ${row}: not looked up this time (${lastNote(row)}); ${datasets.size()} taken over as they were" }
    def rest = ['excluded', 'failed'].collectMany { status -> firstOf(by[status] ?: [], status) }
    def again = by.failed || unresolved || !atlas ? ['Mend what failed and run the same command with -resume: what is done is not done again.'] : []
    def where = (atlas ? ["Atlas: ${atlas}", "Report: ${outdir}/report.html"] : ['No atlas was written.']) + ["Trace and timeline: ${outdir}/pipeline_info"]
    return (["Datasets: ${outcomes ? count : 'none was read'}"] + taken + unresolved + rest + where + again).join('\n')
}

// published: folders, see TRAIN
def trainingSummary(published, outdir) {
    def model = published.find { folder -> folder.parent.name == 'models' }
    def others = published.findAll { folder -> folder != model }.collect { folder -> folder.name }.sort()
    def where = model ? ["Model: ${model}", "Beside it in ${outdir}: ${others.join(', ')}"] : ['No model was written.']
    def again = model ? [] : ['Mend what failed and run the same command with -resume: what is done is not done again.']
    return (where + ["Trace and timeline: ${outdir}/pipeline_info"] + again).join('\n')
}
