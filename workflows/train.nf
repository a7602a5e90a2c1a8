include { CHECKPARAMETERS } from '../modules/local/checkparameters/main'
include { FETCHBULK       } from '../modules/local/fetchbulk/main'
include { PAIRBULK        } from '../modules/local/pairbulk/main'
include { JOINBULK        } from '../modules/local/joinbulk/main'
include { SPLITSAMPLES    } from '../modules/local/splitsamples/main'
include { TRAINRUN        } from '../modules/local/trainrun/main'
include { EVALUATERUNS    } from '../modules/local/evaluateruns/main'
include { PACKAGEMODEL    } from '../modules/local/packagemodel/main'
include { TRANSFER        } from '../modules/local/transfer/main'

workflow TRAIN {
    take:
    settings // [parameters: every parameter as JSON, schema: path]
    given    // [tables: [mrna, mirna, strata or []] or [], mirna_names: path or []]
    asked    // [cohorts: TCGA's codes, gtex: boolean, urls: base address by name, tcga among them]
    name     // string: of the model
    code     // digest of bin/

    main:
    CHECKPARAMETERS(settings.parameters, settings.schema, code)

    // tables come as cohorts, each fetched and paired alone, or they are given as they are
    cohorts = given.tables ? [] : asked.cohorts
    fetched = cohorts + (asked.gtex ? ['GTEX'] : []) + (cohorts && !given.mirna_names ? ['MIRBASE'] : [])
    FETCHBULK(
        channel.fromList(fetched).combine(CHECKPARAMETERS.out.checked)
            .map { id, _checked -> [[id: id, code: code], asked.urls[id] ?: asked.urls.tcga] }
    )
    brought = FETCHBULK.out.fetched.branch { meta, _folder ->
        names: meta.id == 'MIRBASE'
        tables: true
    }
    mirna_names = given.mirna_names ? channel.value(given.mirna_names) : brought.names.map { _meta, folder -> folder.resolve('mature.fa') }.first()
    own_names = brought.tables.filter { meta, _folder -> meta.id == 'GTEX' }.map { meta, folder -> [meta, folder, []] }
    PAIRBULK(
        brought.tables.filter { meta, _folder -> meta.id != 'GTEX' }.combine(mirna_names).mix(own_names)
    )
    paired = PAIRBULK.out.paired.branch { meta, _folder ->
        others: meta.id == 'GTEX'
        training: true
    }

    // with one of them missing, what follows would be of other data
    JOINBULK(
        paired.training.map { _meta, folder -> folder }
            .toSortedList { a, b -> a.name <=> b.name }
            .filter { all -> all && all.size() == cohorts.size() },
        code,
    )
    tables = given.tables
        ? CHECKPARAMETERS.out.checked.map { _checked -> given.tables }
        : JOINBULK.out.tables
    about = given.tables ? channel.value([]) : JOINBULK.out.about

    SPLITSAMPLES(tables, code)
    splits = SPLITSAMPLES.out.splits
    TRAINRUN(
        splits.flatMap { folder -> folder.listFiles() as List }
            .map { f -> [[id: f.baseName, seed: f.baseName.tokenize('-').last() - 'seed', code: code], f] },
        tables,
    )
    runs = TRAINRUN.out.run.map { _meta, folder -> folder }
        .toSortedList { a, b -> a.name <=> b.name }
        .map { all -> [all] }
        .combine(splits.map { folder -> folder.listFiles().size() })
        .filter { all, expected -> all.size() == expected }
        .map { all, _expected -> all }
        .first()
    EVALUATERUNS(runs, tables, code)
    PACKAGEMODEL(name, runs, EVALUATERUNS.out.evaluation, about, code)
    TRANSFER(paired.others.combine(PACKAGEMODEL.out.model))

    model = PACKAGEMODEL.out.model
    evaluation = EVALUATERUNS.out.evaluation
    transfer = TRANSFER.out.transfer.map { _meta, folder -> folder }

    emit:
    model      // folder
    evaluation // folder: figures of all runs
    splits     // folder of tables: the part of every sample in every run
    transfer   // folder: figures on another cohort
}
