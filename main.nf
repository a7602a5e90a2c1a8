#!/usr/bin/env nextflow

include { ATLAS                                      } from './workflows/atlas'
include { TRAIN                                      } from './workflows/train'
include { readJson                                   } from './subworkflows/local/utils/datasets'
include { currentBuild ; digest ; existingAtlas ; makeFolder ; publishFile ; publishFolder } from './subworkflows/local/utils/folders'
include { lockFolder ; refuseLost } from './subworkflows/local/utils/locks'
include { helpText ; modelFolder ; refuseIncomplete ; settings ; summary ; tablesGiven ; toTrainOn ; trainingSummary } from './subworkflows/local/utils/parameters'

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
        if (params.workflow == 'atlas' && !params.input) {
            error("Give a samplesheet with --input datasets.csv, or try -profile test. All parameters: nextflow run main.nf --help")
        }
        refuseIncomplete(params)
        def outcomes = []
        def published = []

        if (params.workflow == 'train') {
            TRAIN(
                settings(params, schema),
                [tables: tablesGiven(params), mirna_names: given(params.mirna_names)],
                toTrainOn(params),
                params.model_name,
                digest("${projectDir}/bin"),
            )
            TRAIN.out.model.map { folder -> [folder, "models/${folder.name}"] }
                .mix(TRAIN.out.evaluation.mix(TRAIN.out.splits, TRAIN.out.transfer).map { folder -> [folder, folder.name] })
                .subscribe { folder, place ->
                    refuseLost(file(params.outdir))
                    published << publishFolder(folder, file("${params.outdir}/${workflow.stubRun ? 'stub/' : ''}${place}"))
                }
        }
        else {
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
            ATLAS.out.outcomes.subscribe { outcome -> outcomes << outcome }
            ATLAS.out.atlas.subscribe { atlas -> published << atlas }
            ATLAS.out.report
                .filter { _page -> !workflow.stubRun }
                .combine(ATLAS.out.atlas)
                .subscribe { page, _atlas -> publishFile(page, file("${params.outdir}/${page.name}")) }
        }
        // after all that is given was found: a mistyped command leaves no lease
        def lock = lockFolder(file(params.outdir))
        if (params.workflow == 'atlas') {
            makeFolder(file(params.download_cache ?: "${params.outdir}/downloads"))
        }

        channel.topic('versions')
            .map { process, tool, version -> "${process.tokenize(':').last()}:\n    ${tool}: ${version}" }
            .unique()
            .collectFile(name: 'versions.yml', storeDir: "${params.outdir}/pipeline_info", newLine: true, sort: true)

        workflow.onComplete = {
            log.info(params.workflow == 'train' ? trainingSummary(published, params.outdir) : summary(outcomes, published ? published[0] : null, params.outdir))
            lock.close()
        }
    }
}
