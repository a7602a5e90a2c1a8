include { CHECK       } from '../modules/local/check/main'
include { RESOLVE     } from '../modules/local/resolve/main'
include { FETCH       } from '../modules/local/fetch/main'
include { PREPARE     } from '../modules/local/prepare/main'
include { PREDICT     } from '../modules/local/predict/main'
include { CONSOLIDATE } from '../modules/local/consolidate/main'
include { VALIDATE    } from '../modules/local/validate/main'
include { PUBLISH     } from '../modules/local/publish/main'
include { readJson ; stepJson ; sourceJson ; localFiles ; ofRow ; filesJson ; factsJson } from '../subworkflows/local/utils/datasets'
include { insideFolders } from '../subworkflows/local/utils/folders'
include { failureNote } from '../subworkflows/local/utils/failures'

workflow ATLAS {
    take:
    samplesheet // path: CSV or YAML, one row per dataset
    settings    // [parameters: every parameter as JSON, shaping: those that shape results, schema: path]
    blocklist   // path, or [] for none
    model       // [digest, path of the model folder]
    code        // digest of bin/
    outdir      // string

    main:
    CHECK(samplesheet, samplesheet.parent.toUriString(), settings.parameters, settings.schema, code)
    rows = CHECK.out.rows.flatMap { f -> readJson(f) }.map { row -> [[id: row.dataset_id, code: code], row] }

    // a row is one dataset, or several where it names a collection; each then travels alone
    RESOLVE(rows.map { meta, row -> [meta, sourceJson(row)] }, blocklist)
    looked = rows.join(RESOLVE.out.datasets.map { meta, found, refused -> [meta, [found, refused]] }, remainder: true)
        .map { meta, row, both -> [meta, row, both ? both[0] : [], both ? both[1] : []] }
    resolved = looked.flatMap { meta, row, found, _refused -> found.collect { folder -> [meta + [id: folder.name], row, folder] } }
    FETCH(
        resolved.map { meta, row, folder -> [meta, filesJson(folder), localFiles(row)] }
            .map { meta, files, local -> [meta, files, local, insideFolders(local)] }
    )
    PREPARE(
        FETCH.out.fetched.join(resolved)
            .map { meta, fetched, row, folder -> [meta, stepJson(row), factsJson(folder), fetched] }
    )
    PREDICT(PREPARE.out.prepared, model)

    // and leaves the line in one of three ways: whoever has neither shard nor verdict has failed
    shards = PREDICT.out.shard
    refused = looked.flatMap { meta, _row, _found, verdicts -> verdicts.collect { verdict -> [meta + [id: verdict.baseName], verdict] } }
    verdicts = refused.mix(PREPARE.out.verdict, PREDICT.out.verdict)
    results = shards.map { meta, _shard -> [meta, [status: 'included', reason: null]] }
        .mix(verdicts.map { meta, verdict -> [meta, [status: 'excluded', reason: readJson(verdict).reason]] })
    outcomes = looked.flatMap { meta, _row, found, refusals -> ofRow(meta, found, refusals) }
        .map { meta -> [meta, meta.id] }
        .join(results, remainder: true)
        .map { _meta, id, result -> [id: id] + (result ?: [status: 'failed', reason: failureNote(id).exists() ? failureNote(id).text.trim() : 'no result']) }

    CONSOLIDATE(
        CHECK.out.rows,
        resolved.map { _meta, _row, folder -> folder.resolve('facts.json') }.toSortedList { a, b -> a.parent.name <=> b.parent.name },
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
