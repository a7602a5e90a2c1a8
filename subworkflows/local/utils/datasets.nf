// Rows of the samplesheet as they travel: [meta, row], with meta = [id, code] and row a map.

def readJson(path) {
    return new groovy.json.JsonSlurper().parseText(path.text)
}

def rowJson(row) {
    return groovy.json.JsonOutput.toJson(row)
}

// What PREPARE and PREDICT depend on: a new title is written by CONSOLIDATE alone, and addresses,
// which may hold secrets, are RESOLVE's and FETCH's business.
def ofSteps(row) {
    def others = ['title', 'doi', 'licence', 'source', 'accession', 'url', 'sha256', 'n_cells', 'same_as']
    return row.findAll { key, _value -> !(key in others) }
}

def stepJson(row) {
    return rowJson(ofSteps(row))
}

// Only what RESOLVE and FETCH depend on: a new title or tissue leaves the download cached.
def sourceJson(row) {
    def columns = ['dataset_id', 'source', 'accession', 'url', 'sha256', 'files', 'format', 'organism', 'primary_data', 'doi']
    return rowJson(row.collectEntries { key, value -> [key, key in columns ? value : null] })
}

// Datasets of a row: what it resolved to, else what it was formerly, or the row itself.
def ofRow(meta, found, refused, former) {
    def names = found.collect { folder -> folder.name } + refused.collect { verdict -> verdict.baseName } + former
    return names ? names.collect { name -> meta + [id: name] } : [meta]
}

// What RESOLVE wrote, as a value: what follows stays cached when a new look-up says the same.
def filesJson(folder) {
    return rowJson(readJson(folder.resolve('files.json')))
}

def factsJson(folder) {
    def facts = readJson(folder.resolve('facts.json'))
    return rowJson([dataset_id: facts.dataset_id, columns: ofSteps(facts.columns), samples: facts.samples ?: [:]])
}

// Files of the source `file`, to be staged. One that is missing or out of reach is left out:
// FETCH then says so, and only its dataset fails.
def localFiles(row) {
    if (row.source != 'file') {
        return []
    }
    return row.url.tokenize('|').collect { url -> reachable(url.trim(), row.dataset_id) }.findAll { f -> f }
}

def reachable(url, id) {
    try {
        def found = file(url, glob: false)
        return found.exists() ? found : null
    }
    catch (Exception e) {
        log.warn("${id}: ${url} cannot be reached: ${e.message}")
        return null
    }
}
