include { CHECK       } from '../modules/local/check/main'
include { RESOLVE     } from '../modules/local/resolve/main'
include { FETCH       } from '../modules/local/fetch/main'
include { PREPARE     } from '../modules/local/prepare/main'
include { PREDICT     } from '../modules/local/predict/main'
include { CONSOLIDATE } from '../modules/local/consolidate/main'
include { VALIDATE    } from '../modules/local/validate/main'
include { PUBLISH     } from '../modules/local/publish/main'
include { REPORT      } from '../modules/local/report/main'
include { UNCHANGED ; fingerprints ; formerly ; isOwn ; isSame ; knownDatasets ; knownJson ; ofRowAlone ; overridesOf ; recipeOf ; warnOfVersion } from '../subworkflows/local/changes/main'
include { readJson ; stepJson ; sourceJson ; localFiles ; ofRow ; filesJson ; factsJson ; privateFile } from '../subworkflows/local/utils/datasets'
include { insideFolders ; manifestOf } from '../subworkflows/local/utils/folders'
include { refuseLost } from '../subworkflows/local/utils/locks'
include { failureNote ; lastNote } from '../subworkflows/local/utils/failures'

workflow ATLAS {
    take:
    samplesheet // path: CSV or YAML, one row per dataset
    settings    // [parameters: every parameter as JSON, shaping: those that shape results, schema: path]
    lists       // [blocklist: path or [], overrides: path or []]
    existing    // path: atlas to extend, or []
    previous    // path: build before this one, for the report, or []
    model       // [digest, path of the model folder]
    code        // digest of bin/
    outdir      // string

    main:
    CHECK(samplesheet, samplesheet.parent.toUriString(), settings.parameters, settings.schema, [lists.blocklist, lists.overrides], code)
    rows = CHECK.out.rows.flatMap { f -> readJson(f) }.map { row -> [[id: row.dataset_id, code: code], row] }
    recipe = CHECK.out.recipe.map { f -> recipeOf(readJson(f), settings.shaping, model[0]) }
    recipe.subscribe { how -> warnOfVersion(existing, how) }

    // what an existing atlas holds just as it would come out now is taken over
    known = knownDatasets(existing)
    UNCHANGED(rows, recipe, known)

    // a row is one dataset, or several where it names a collection; each then travels alone
    RESOLVE(UNCHANGED.out.others.map { meta, row -> [meta, privateFile(sourceJson(row))] }, lists.blocklist)
    looked = UNCHANGED.out.others
        .join(RESOLVE.out.datasets.map { meta, found, refused -> [meta, [found, refused]] }, remainder: true)
        .combine(recipe)
        .map { meta, row, both, how -> [meta, row, both ? both[0] : [], both ? both[1] : [], both ? [] : formerly(known, row, how)] }
    resolved = looked.flatMap { meta, row, found, _refused, _former -> found.collect { folder -> [meta + [id: folder.name], row, folder] } }
        .combine(recipe)
        .map { meta, row, folder, how -> [meta, row, folder, fingerprints(row, meta.id, folder, how), overridesOf(how, meta.id)] }
        .branch { meta, row, _folder, prints, _overrides ->
            same: !isOwn(row) && isSame(known, meta.id, prints) // of own files UNCHANGED has judged
            others: true
        }
    FETCH(
        resolved.others.map { meta, row, folder, _prints, _overrides -> [meta, privateFile(filesJson(folder)), localFiles(row)] }
            .map { meta, files, local -> [meta, files, local, insideFolders(local)] }
    )
    PREPARE(
        FETCH.out.fetched.join(resolved.others)
            .map { meta, fetched, row, folder, _prints, overrides -> [meta, stepJson(row), factsJson(folder), overrides, fetched] }
    )
    PREDICT(PREPARE.out.prepared, model)

    // and leaves the line in one of three ways: whoever has neither shard nor verdict has failed
    shards = PREDICT.out.shard
    refused = looked.flatMap { meta, _row, _found, verdicts, _former -> verdicts.collect { verdict -> [meta + [id: verdict.baseName], verdict] } }
    verdicts = refused.mix(PREPARE.out.verdict, PREDICT.out.verdict)
    former = looked.flatMap { meta, _row, _found, _refused, names -> names.collect { name -> [meta + [id: name], meta.id] } }
    kept = UNCHANGED.out.kept.map { meta, _prints -> [meta, null] }
        .mix(resolved.same.map { meta, _row, _folder, _prints, _overrides -> [meta, null] }, former)
    results = shards.map { meta, _shard -> [meta, [status: 'included', reason: null]] }
        .mix(verdicts.map { meta, verdict -> [meta, [status: 'excluded', reason: readJson(verdict).reason]] })
        .mix(kept.map { meta, row -> [meta, known[meta.id].subMap(['status', 'reason']) + [kept: true, unresolved: row]] })
    outcomes = looked.flatMap { meta, _row, found, refusals, names -> ofRow(meta, found, refusals, names) }
        .mix(UNCHANGED.out.kept.map { meta, _prints -> meta })
        .map { meta -> [meta, meta.id] }
        .join(results, remainder: true)
        .map { _meta, id, result -> [id: id] + (result ?: [status: 'failed', reason: lastNote(id)]) }

    all_prints = UNCHANGED.out.kept.mix(
        resolved.same.mix(resolved.others).map { meta, _row, _folder, prints, _overrides -> [meta, prints] },
        looked.combine(recipe).flatMap { meta, row, _found, refusals, _former, how -> refusals.collect { verdict -> [meta + [id: verdict.baseName], ofRowAlone(row, how)] } },
        former.map { meta, _row -> [meta, known[meta.id].subMap(['row', 'row_fingerprint', 'fingerprint'])] },
    )
    CONSOLIDATE(
        CHECK.out.rows,
        resolved.same.mix(resolved.others).map { _meta, _row, folder, _prints, _overrides -> folder.resolve('facts.json') }.toSortedList { a, b -> a.parent.name <=> b.parent.name },
        shards.map { _meta, shard -> shard }.toSortedList { a, b -> a.name <=> b.name },
        verdicts.map { _meta, verdict -> verdict }.toSortedList { a, b -> a.name <=> b.name },
        outcomes.filter { o -> o.status == 'failed' }.map { o -> failureNote(o.id) }.filter { f -> f.exists() }.toSortedList { a, b -> a.name <=> b.name },
        existing,
        kept.toList().map { all -> [all] }.combine(all_prints.toList().map { all -> [all] }).map { taken, prints -> knownJson(taken, prints, existing) }.first(),
        settings.shaping,
        model,
        code,
    )
    VALIDATE(CONSOLIDATE.out.atlas, manifestOf(existing), code)
    sound = CONSOLIDATE.out.atlas.combine(VALIDATE.out.report).map { built, _report -> built }.first()
    REPORT(sound, previous, code)
    held = sound.map { built ->
        refuseLost(file(outdir))
        built
    }
    PUBLISH(held, outdir)
    atlas = PUBLISH.out.atlas
    report = REPORT.out.page.mix(REPORT.out.multiqc.flatten())

    emit:
    outcomes // [id, status: included|excluded|failed, reason; of one taken over also kept: true and unresolved: the row that could not be looked up]
    atlas    // where it was published
    report   // a page, and the same figures for MultiQC
}
