// Rows of the samplesheet as they travel: [meta, row], with meta = [id, code] and row a map.

// One SHA-256 over a folder. Over bin/ it is part of every meta, so that a resume after an edit
// of the package reruns its tasks.
def digest(folder) {
    def root = file(folder, glob: false)
    def sha = java.security.MessageDigest.getInstance('SHA-256')
    filesBelow(root)
        .findAll { f -> !f.toString().contains('__pycache__') }
        .each { f ->
            sha.update(root.relativize(f).toString().bytes)
            sha.update(f.bytes)
        }
    return sha.digest().encodeHex().toString().take(12)
}

def filesBelow(folder) {
    def found = []
    folder.eachFileRecurse(groovy.io.FileType.FILES) { f -> found << f }
    return found.sort { f -> f.toString() }
}

def readJson(path) {
    return new groovy.json.JsonSlurper().parseText(path.text)
}

def rowJson(row) {
    return groovy.json.JsonOutput.toJson(row)
}

// Only what RESOLVE and FETCH depend on: a new title or tissue leaves the download cached.
def sourceJson(row) {
    def columns = ['dataset_id', 'source', 'accession', 'url', 'sha256', 'format', 'organism']
    return rowJson(row.collectEntries { key, value -> [key, key in columns ? value : null] })
}

// Files of the source `file`, to be staged. A missing one is left out: FETCH then says so, and
// only its dataset fails.
def localFiles(row) {
    if (row.source != 'file') {
        return []
    }
    return row.url.tokenize('|').collect { url -> file(url.trim(), glob: false) }.findAll { f -> f.exists() }
}
