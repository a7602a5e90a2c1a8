// Rows of the samplesheet as they travel: [meta, row], with meta = [id, code] and row a map.

// One SHA-256 over a folder. Over bin/ it is part of every meta, so that a resume after an edit
// of the package reruns its tasks.
def digest(folder) {
    def root = file(folder, glob: false)
    def sha = java.security.MessageDigest.getInstance('SHA-256')
    files("${root.toUriString()}/**", hidden: false)
        .findAll { f -> !f.toString().contains('__pycache__') }
        .sort { f -> f.toString() }
        .each { f ->
            sha.update(root.relativize(f).toString().bytes)
            sha.update(f.bytes)
        }
    return sha.digest().encodeHex().toString().take(12)
}

def readJson(path) {
    return new groovy.json.JsonSlurper().parseText(path.text)
}

// A row as one line of JSON; columns that a step must not depend on become null, so that
// a new title or tissue leaves the download cached.
def rowJson(row, columns) {
    return groovy.json.JsonOutput.toJson(row.collectEntries { key, value -> [key, key in columns ? value : null] })
}

def sourceJson(row) {
    return rowJson(row, ['dataset_id', 'source', 'accession', 'url', 'sha256', 'format', 'organism'])
}

def prepareJson(row) {
    return rowJson(row, row.keySet() - ['title', 'doi', 'licence'])
}

// Files of the source `file`, to be staged. A missing one is left out: FETCH then says so, and
// only its dataset fails.
def localFiles(row) {
    if (row.source != 'file') {
        return []
    }
    return row.url.tokenize('|').collect { url -> file(url.trim(), glob: false) }.findAll { f -> f.exists() }
}
