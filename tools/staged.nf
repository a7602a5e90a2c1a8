// CONSOLIDATE alone, given the results of many datasets: how it is staged, and what that costs.
include { CONSOLIDATE } from '../modules/local/consolidate/main'

workflow {
    def results = file(params.results)
    def names = results.resolve('shards').list().sort()
    def print = 'f' * 64
    def prints = names.collectEntries { name -> [name, [row: name, row_fingerprint: print, fingerprint: print]] }
    CONSOLIDATE(
        file(params.input),
        names.collect { name -> results.resolve("facts/${name}/facts.json") },
        names.collect { name -> results.resolve("shards/${name}") },
        [],
        [],
        [],
        [kept: '[]', fingerprints: groovy.json.JsonOutput.toJson(prints), manifest: ''],
        '{}',
        ['', file("${projectDir}/../bin/sicmir_atlas/data/models/${params.model}")],
        '',
    )
}
