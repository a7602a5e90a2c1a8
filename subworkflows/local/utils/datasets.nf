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

// A task's script is shown in reports, and addresses may hold secrets: they travel as files. Named by
// content and written once, so that a resume finds the task.
def privateFile(text) {
    def name = java.security.MessageDigest.getInstance('SHA-256').digest(text.getBytes('UTF-8')).encodeHex().toString()
    def place = workflow.workDir.resolve("private/${name}.json")
    if (place.exists()) {
        return place
    }
    place.parent.mkdirs()
    if (place.fileSystem != java.nio.file.FileSystems.default) {
        place.text = text
        return place
    }
    def mine = java.nio.file.attribute.PosixFilePermissions.asFileAttribute(java.nio.file.attribute.PosixFilePermissions.fromString('rw-------'))
    def part = java.nio.file.Files.createTempFile(place.parent, 'part', '.json', mine)
    part.text = text
    java.nio.file.Files.move(part, place, java.nio.file.StandardCopyOption.ATOMIC_MOVE)
    return place
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

// Text without users, passwords and queries of addresses.
def masked(text) {
    return text.replaceAll(/:\/\/[^\/\s]*@/, '://***@').replaceAll(/\?\S*/, '?***')
}

def reachable(url, id) {
    try {
        def found = file(url, glob: false)
        return found.exists() ? found : null
    }
    catch (Exception e) {
        log.warn("${id}: ${masked(url)} cannot be reached: ${masked(e.message ?: e.class.simpleName)}")
        return null
    }
}
