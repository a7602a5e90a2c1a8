#!/usr/bin/env nextflow

include { ATLAS } from './workflows/atlas'
include { digest ; readJson } from './subworkflows/local/utils/datasets'
include { helpText ; summary } from './subworkflows/local/utils/parameters'

workflow {
    main:
    def schema = file("${projectDir}/nextflow_schema.json")
    if (params.help) {
        println(helpText(readJson(schema)))
    }
    else {
        if (!params.input) {
            error("Give a samplesheet with --input datasets.csv, or try -profile test. All parameters: nextflow run main.nf --help")
        }
        def given = params.findAll { name, _value -> name != 'help' }
        def shaping = readJson(schema)['$defs'].findAll { name, _group -> name in ['quality_control', 'prediction'] }
            .collectMany { _name, group -> group.properties.keySet() } - ['model']
        def shipped = file("${projectDir}/bin/sicmir_atlas/data/models/${params.model}")
        def model = shipped.exists() ? shipped : file(params.model, checkIfExists: true, glob: false)
        def outcomes = []
        def published = []

        ATLAS(
            file(params.input, checkIfExists: true, glob: false),
            [
                parameters: groovy.json.JsonOutput.toJson(given.sort()),
                shaping: groovy.json.JsonOutput.toJson(params.subMap(shaping).sort()),
                schemas: [schema, file("${projectDir}/assets/schema_input.json")],
            ],
            [digest(model), model],
            digest("${projectDir}/bin"),
            params.outdir.toString(),
        )
        channel.topic('versions')
            .map { process, tool, version -> "${process.tokenize(':').last()}:\n    ${tool}: ${version}" }
            .unique()
            .collectFile(name: 'versions.yml', storeDir: "${params.outdir}/pipeline_info", newLine: true, sort: true)
        ATLAS.out.outcomes.subscribe { outcome -> outcomes << outcome }
        ATLAS.out.atlas.subscribe { atlas -> published << atlas }
        workflow.onComplete = { log.info(summary(outcomes, published ? published[0] : null, params.outdir)) }
    }
}
