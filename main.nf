#!/usr/bin/env nextflow

include { ATLAS                                      } from './workflows/atlas'
include { readJson                                   } from './subworkflows/local/utils/datasets'
include { digest ; lockFolder                        } from './subworkflows/local/utils/folders'
include { helpText ; modelFolder ; settings ; summary } from './subworkflows/local/utils/parameters'

workflow {
    main:
    def schema = readJson(file("${projectDir}/nextflow_schema.json"))
    if (params.help) {
        println(helpText(schema))
    }
    else {
        if (!params.input) {
            error("Give a samplesheet with --input datasets.csv, or try -profile test. All parameters: nextflow run main.nf --help")
        }
        def lock = lockFolder(file(params.outdir))
        def outcomes = []
        def published = []

        ATLAS(
            file(params.input, checkIfExists: true, glob: false),
            settings(params, schema),
            params.blocklist ? file(params.blocklist, checkIfExists: true, glob: false) : [],
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
        workflow.onComplete = {
            lock?.close()
            log.info(summary(outcomes, published ? published[0] : null, params.outdir))
        }
    }
}
