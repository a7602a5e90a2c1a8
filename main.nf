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
        def outcomes = []

        ATLAS(
            file(params.input, checkIfExists: true, glob: false),
            [
                parameters: groovy.json.JsonOutput.toJson(given.sort()),
                shaping: groovy.json.JsonOutput.toJson(params.subMap(shaping).sort()),
                schemas: [schema, file("${projectDir}/assets/schema_input.json")],
            ],
            [digest(params.model), file(params.model, checkIfExists: true, glob: false)],
            digest("${projectDir}/bin"),
            params.outdir.toString(),
        )
        ATLAS.out.outcomes.subscribe { outcome -> outcomes << outcome }
        workflow.onComplete = {
            if (outcomes) {
                log.info(summary(outcomes, params.outdir))
            }
        }
    }
}
