include { CHECKSUM } from '../../../modules/local/checksum/main'
include { factsJson ; filesJson ; localFiles ; ofSteps ; privateFile ; readJson ; rowJson } from '../utils/datasets'
include { insideFolders } from '../utils/folders'

// Rows that list their own files, and of which an existing atlas holds the same: these are known
// without a look-up, and cost one checksum, many at a time.
workflow UNCHANGED {
    take:
    rows   // [meta, row]
    recipe // value: see recipeOf
    known  // map: see knownDatasets

    main:
    asked = rows.combine(recipe)
        .map { meta, row, how -> [isOwn(row) && !(meta.id in how.blocked), meta, row, fingerprints(row, meta.id, null, how)] }
        .branch { own, meta, _row, prints ->
            candidates: own && isSame(known, meta.id, prints)
            others: true
        }
    candidates = asked.candidates.map { _own, meta, row, prints -> [meta, row, prints] }
        .branch { _meta, row, _prints ->
            files: row.source == 'file'
            addresses: true
        }
    CHECKSUM(candidates.files.collate(50).map { batch -> batchOf(batch.collect { one -> one[1] }) })
    checked = candidates.files
        .map { meta, row, prints -> [row.dataset_id, meta, row, prints] }
        .join(CHECKSUM.out.checksums.flatMap { f -> readJson(f).collect { id, sum -> [id, sum ?: ''] } }, remainder: true)
        .map { _id, meta, row, prints, sum -> [meta, row, prints, sum] }
        .branch { meta, _row, _prints, sum ->
            same: sum == known[meta.id].sha256
            changed: true
        }

    kept = candidates.addresses.map { meta, _row, prints -> [meta, prints] }
        .mix(checked.same.map { meta, _row, prints, _sum -> [meta, prints] })
    others = asked.others.map { _own, meta, row, _prints -> [meta, row] }
        .mix(checked.changed.map { meta, row, _prints, _sum -> [meta, row] })

    emit:
    kept   // [meta, fingerprints]
    others // [meta, row]
}

// Files of all rows are staged one after another, each into a folder of its number.
def batchOf(rows) {
    def files = rows.collect { row -> localFiles(row) }
    def before = (0..<rows.size()).collect { i -> files.take(i).sum { found -> found.size() } ?: 0 }
    def entries = [rows, files, before].transpose().collect { row, found, start ->
        [row: row, local: (1..<(found.size() + 1)).collect { n -> "local/${start + n}".toString() }]
    }
    def staged = files.flatten()
    return [rows.collect { row -> row.dataset_id }, privateFile(rowJson(entries)), staged, insideFolders(staged)]
}

// What would come out as it did: digests of all that a dataset's results follow from, compared to
// those in the manifest of an existing atlas.

// checked: what CHECK says of versions, overrides and rows on the blocklist; shaping: parameters as JSON; model: digest
def recipeOf(checked, shaping, model) {
    def versions = "schema ${checked.schema_version}, processing ${checked.processing_version}".toString()
    def overrides = checked.overrides.sort { entry -> [entry.field, entry.scope, entry.label].join('\n') }
    return [versions: versions, overrides: overrides, blocked: checked.blocked, shaping: shaping, model: model]
}

// Those of this dataset, and those of organs, which it may have.
def overridesOf(recipe, id) {
    def own = "dataset:${id}".toString()
    return rowJson(recipe.overrides.findAll { entry -> entry.scope == own || !entry.scope.startsWith('dataset:') })
}

// Those of any dataset that a row may have.
def overridesOfRow(recipe, id) {
    def own = "dataset:${id}".toString()
    return rowJson(recipe.overrides.findAll { entry -> entry.scope == own || entry.scope.startsWith("${own}.") || !entry.scope.startsWith('dataset:') })
}

// An own file is known by its name, wherever it lies; what it holds is told by its checksum.
def asked(row) {
    def urls = (row.url ?: '').tokenize('|').collect { url -> row.source == 'file' ? url.tokenize('/').last() : url }
    def named = row.subMap(['source', 'accession', 'sha256'])
    return (ofSteps(row) + named + [urls: urls]).sort()
}

def sha256Of(parts) {
    def text = parts.join('\n')
    return java.security.MessageDigest.getInstance('SHA-256').digest(text.getBytes('UTF-8')).encodeHex().toString()
}

// Of what the samplesheet and the parameters say, before anything is looked up.
def rowFingerprint(row, recipe) {
    return sha256Of([rowJson(asked(row)), recipe.versions, recipe.shaping, recipe.model, overridesOfRow(recipe, row.dataset_id)])
}

// Of what is refused before a byte is read there is no more to compare.
def ofRowAlone(row, recipe) {
    return [row: row.dataset_id, row_fingerprint: rowFingerprint(row, recipe)]
}

// fingerprint: of all that results follow from; found: folder of RESOLVE's, null for a row that
// lists its own files, of which there is nothing to be found
def fingerprints(row, id, found, recipe) {
    def learnt = found && !isOwn(row) ? [filesJson(found), factsJson(found)] : []
    def said = [rowJson(asked(row)), recipe.versions, recipe.shaping, recipe.model, overridesOf(recipe, id)]
    return ofRowAlone(row, recipe) + [fingerprint: sha256Of(said + learnt)]
}

def isOwn(row) {
    return row.source in ['file', 'url']
}

// By dataset, what the manifest of an existing atlas says: status, reason, sha256, fingerprints; but
// for datasets of which a file is missing or cut short.
def knownDatasets(existing) {
    if (!existing) {
        return [:]
    }
    def manifest = readJson(existing.resolve('manifest.json'))
    def broken = manifest.files.findAll { f -> f.dataset_id && !isThere(existing.resolve(f.path), f.bytes) }.collect { f -> f.dataset_id }
    return (manifest.datasets ?: [:]).findAll { id, _about -> !(id in broken) }
}

def isThere(path, size) {
    return path.exists() && path.size() == size
}

// A verdict for which no byte was read is cheap to reach anew, and lists may have changed.
def isSame(known, id, prints) {
    def before = known[id]
    return before?.sha256 != null && before.fingerprint == prints.fingerprint
}

// Datasets of an archive's row that is as it was, for when it cannot be looked up.
def formerly(known, row, recipe) {
    if (isOwn(row)) {
        return []
    }
    def print = rowFingerprint(row, recipe)
    return known.findAll { id, before -> before.row_fingerprint == print && !(before.status == 'failed' && id == row.dataset_id) }.keySet()
}

// Of an atlas of other versions, or another model, nothing is taken over: the fingerprints differ.
def warnOfVersion(existing, recipe) {
    def manifest = existing ? readJson(existing.resolve('manifest.json')) : null
    def versions = manifest ? "schema ${manifest.schema_version}, processing ${manifest.processing_version}".toString() : recipe.versions
    if (versions != recipe.versions) {
        log.warn("${existing} is of ${versions}; this is ${recipe.versions}: every dataset is done again")
    }
}

// For CONSOLIDATE, as text. kept: [meta, row that could not be looked up or null]; prints: [meta, fingerprints]
def knownJson(kept, prints, existing) {
    def taken = kept.collect { meta, row -> [dataset_id: meta.id] + (row ? [row: row] : [:]) }
    return [
        kept: rowJson(taken.sort { one -> one.dataset_id }),
        fingerprints: rowJson(prints.collectEntries { meta, print -> [meta.id, print] }.sort()),
        manifest: existing ? sha256Of([existing.resolve('manifest.json').text]) : '',
    ]
}
