include { CHECK       } from '../modules/local/check/main'
include { RESOLVE     } from '../modules/local/resolve/main'
include { FETCH       } from '../modules/local/fetch/main'
include { PREPARE     } from '../modules/local/prepare/main'
include { PREDICT     } from '../modules/local/predict/main'
include { CONSOLIDATE } from '../modules/local/consolidate/main'
include { VALIDATE    } from '../modules/local/validate/main'
include { PUBLISH     } from '../modules/local/publish/main'
include { readJson ; stepJson ; sourceJson ; localFiles } from '../subworkflows/local/utils/datasets'
include { insideFolders } from '../subworkflows/local/utils/folders'
include { failureNote } from '../subworkflows/local/utils/failures'

workflow ATLAS {
    take:
    samplesheet // path: CSV or YAML, one row per dataset
    settings    // [parameters: every parameter as JSON, shaping: those that shape results, schemas: [path, path]]
    model       // [digest, path of the model folder]
    code        // digest of bin/
    outdir      // string

    main:
    CHECK(samplesheet, samplesheet.parent.toUriString(), settings.parameters, settings.schemas, code)
    rows = CHECK.out.rows.flatMap { f -> readJson(f) }.map { row -> [[id: row.dataset_id, code: code], row] }

    // a dataset travels alone
    RESOLVE(rows.map { meta, row -> [meta, sourceJson(row)] })
    FETCH(
        RESOLVE.out.files.join(rows)
            .map { meta, files, row -> [meta, files, localFiles(row)] }
            .map { meta, files, local -> [meta, files, local, insideFolders(local)] }
    )
    PREPARE(FETCH.out.fetched.join(rows).map { meta, fetched, row -> [meta, stepJson(row), fetched] })
    PREDICT(PREPARE.out.prepared, model)

    // and leaves the line in one of three ways: whoever has neither shard nor verdict has failed
    shards = PREDICT.out.shard
    verdicts = RESOLVE.out.verdict.mix(PREPARE.out.verdict, PREDICT.out.verdict)
    results = shards.map { meta, _shard -> [meta, [status: 'included', reason: null]] }
        .mix(verdicts.map { meta, verdict -> [meta, [status: 'excluded', reason: readJson(verdict).reason]] })
    outcomes = rows.map { meta, _row -> [meta, meta.id] }
        .join(results, remainder: true)
        .map { _meta, id, result -> [id: id] + (result ?: [status: 'failed', reason: failureNote(id).exists() ? failureNote(id).text.trim() : 'no result']) }

    CONSOLIDATE(
        CHECK.out.rows,
        shards.map { _meta, shard -> shard }.toSortedList { a, b -> a.name <=> b.name },
        verdicts.map { _meta, verdict -> verdict }.toSortedList { a, b -> a.name <=> b.name },
        outcomes.filter { o -> o.status == 'failed' }.map { o -> failureNote(o.id) }.filter { f -> f.exists() }.toSortedList { a, b -> a.name <=> b.name },
        settings.shaping,
        model,
        code,
    )
    VALIDATE(CONSOLIDATE.out.atlas, code)
    PUBLISH(CONSOLIDATE.out.atlas, VALIDATE.out.report, outdir)
    atlas = PUBLISH.out.atlas

    emit:
    outcomes // [id, status: included|excluded|failed, reason]
    atlas    // where it was published
}
