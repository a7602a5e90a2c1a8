#!/usr/bin/env nextflow

include { ATLAS                                      } from './workflows/atlas'
include { readJson                                   } from './subworkflows/local/utils/datasets'
include { currentBuild ; digest ; existingAtlas ; lockFolder ; publishFile } from './subworkflows/local/utils/folders'
include { helpText ; modelFolder ; settings ; summary } from './subworkflows/local/utils/parameters'

def given(name) {
    return name ? file(name, checkIfExists: true, glob: false) : []
}

workflow {
    main:
    def schema = readJson(file("${projectDir}/nextflow_schema.json"))
    if (params.help) {
        println(helpText(schema, params.help))
    }
    else {
        if (!params.input) {
            error("Give a samplesheet with --input datasets.csv, or try -profile test. All parameters: nextflow run main.nf --help")
        }
        def lock = lockFolder(file(params.outdir))
        def outcomes = []
        def published = []

        def existing = existingAtlas(params.atlas)

        ATLAS(
            file(params.input, checkIfExists: true, glob: false),
            settings(params, schema),
            [blocklist: given(params.blocklist), overrides: given(params.overrides)],
            existing,
            currentBuild(existing ?: file("${params.outdir}/atlas")),
            modelFolder(params.model),
            digest("${projectDir}/bin"),
            params.outdir.toString(),
        )
        channel.topic('versions')
            .map { process, tool, version -> "${process.tokenize(':').last()}:\n    ${tool}: ${version}" }
            .unique()
            .collectFile(name: 'versions.yml', storeDir: "${params.outdir}/pipeline_info", newLine: true, sort: true)

        ATLAS.out.outcomes.subscribe { outcome -> outcomes << outcome }
        ATLAS.out.atlas.subscribe { atlas -> published << atlas }
        ATLAS.out.report
            .filter { _page -> !workflow.stubRun }
            .combine(ATLAS.out.atlas)
            .subscribe { page, _atlas -> publishFile(page, file("${params.outdir}/${page.name}")) }
        workflow.onComplete = {
            lock?.close()
            log.info(summary(outcomes, published ? published[0] : null, params.outdir))
        }
    }
}
