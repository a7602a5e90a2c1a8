// Folders as a whole: what is in them, who may write, and how an atlas is put where users look.

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

// Containers mount folders that are there; where this one cannot be made, tasks do without it.
def makeFolder(folder) {
    if (isLocal(folder)) {
        folder.toFile().mkdirs()
    }
}

// Nextflow sees that a folder was exchanged, but not that a file in it was: FETCH depends on this too.
def insideFolders(files) {
    return files.findAll { f -> f.isDirectory() }
        .collectMany { folder -> filesBelow(folder) }
        .collect { f -> "${f} ${f.size()} ${f.lastModified()}".toString() }
}

// Large files are immutable and named by content; the small ones, manifest and database among them,
// change with every build. On a disk they are links into a folder of the build, so that a whole
// build is exchanged in one step, by the link `current`, and whoever dies leaves a whole atlas.
// An object store has no links: there what leads to the data comes last.
def publishAtlas(source, target) {
    try {
        exchangeAtlas(source, target)
    }
    catch (IOException e) {
        log.error(notWritten(target, e) + (target.resolve('current').exists() ? ' The atlas that is there stays as it was.' : ''))
        throw e
    }
}

// What keeps files from being written, in one line with what to do.
def notWritten(folder, e) {
    def reason = e instanceof java.nio.file.AccessDeniedException ? 'Permission denied' : e instanceof java.nio.file.FileSystemException ? e.reason : null
    return "${folder.toUriString()} cannot be written: ${reason ?: e.message}. Make room there, or make it writable, and run the same command with -resume."
}

def exchangeAtlas(source, target) {
    def (large, small) = filesBelow(source)
        .collect { f -> [name: source.relativize(f).toString(), path: f] }
        .split { f -> f.name.contains('/') }
    large.findAll { f -> !target.resolve(f.name).exists() || target.resolve(f.name).size() != f.path.size() }
        .each { f -> publishFile(f.path, target.resolve(f.name)) }
    if (!isLocal(target)) {
        small.sort { f -> ['manifest.json', 'atlas.duckdb'].indexOf(f.name) }.each { f -> publishFile(f.path, target.resolve(f.name)) }
        return
    }
    adoptBuild(target, small.collect { f -> f.name })
    def build = addBuild(target, small)
    small.each { f -> link(target.resolve(f.name), "current/${f.name}") }
    link(target.resolve('current'), build)
    target.eachFile { f -> if (isLink(f) && !f.exists() && java.nio.file.Files.readSymbolicLink(f).startsWith('current')) { java.nio.file.Files.delete(f) } }
}

// A build is known by its manifest, which lists all but the database with checksums.
def addBuild(target, small) {
    def manifest = small.find { f -> f.name == 'manifest.json' }
    def build = "builds/${java.security.MessageDigest.getInstance('SHA-256').digest(manifest.path.bytes).encodeHex().toString().take(12)}"
    def folder = target.resolve(build)
    if (folder.exists()) {
        small.findAll { f -> !isSameFile(f.path, folder.resolve(f.name)) }.each { f -> publishFile(f.path, folder.resolve(f.name)) }
        return build
    }
    def part = target.resolve("${build}.part")
    part.deleteDir()
    try {
        small.each { f -> publishFile(f.path, part.resolve(f.name)) }
        java.nio.file.Files.move(part, folder, java.nio.file.StandardCopyOption.ATOMIC_MOVE)
    }
    catch (IOException e) {
        part.deleteDir()
        throw e
    }
    return build
}

// An atlas of plain files, as former versions published it and as it is copied from elsewhere,
// becomes a build of its own first.
def adoptBuild(target, names) {
    def plain = names.findAll { name -> target.resolve(name).exists() && !isLink(target.resolve(name)) }
    if (plain.contains('manifest.json') && !target.resolve('current').exists()) {
        link(target.resolve('current'), addBuild(target, plain.collect { name -> [name: name, path: target.resolve(name)] }))
    }
}

def isSameFile(one, other) {
    return other.exists() && java.nio.file.Files.mismatch(one, other) == -1L
}

def isLocal(path) {
    return path.fileSystem == java.nio.file.FileSystems.default
}

def isLink(path) {
    return java.nio.file.Files.isSymbolicLink(path)
}

// Makes or exchanges a link in one step.
def link(place, leadsTo) {
    def made = place.resolveSibling(".link-${place.name}")
    java.nio.file.Files.deleteIfExists(made)
    java.nio.file.Files.createSymbolicLink(made, java.nio.file.Path.of(leadsTo))
    java.nio.file.Files.move(made, place, java.nio.file.StandardCopyOption.ATOMIC_MOVE)
}

// Links are followed. An object store shows no half object: there the copy is one step already.
def publishFile(from, to) {
    def local = isLocal(to)
    def part = local ? to.resolveSibling("${to.name}.part") : to
    java.nio.file.Files.createDirectories(to.parent)
    java.nio.file.Files.copy(from, part, java.nio.file.StandardCopyOption.REPLACE_EXISTING)
    if (local) {
        java.nio.file.Files.move(part, to, java.nio.file.StandardCopyOption.ATOMIC_MOVE)
    }
}

// File by file, a model's card last: it says what the others have to be.
def publishFolder(from, to) {
    filesBelow(from).sort { f -> f.name == 'model.json' }.each { f -> publishFile(f, to.resolve(from.relativize(f).toString())) }
    return to
}

// Of an atlas folder the build that it shows now, which stays as it is; [] where there is none, and
// on object stores, where the whole atlas would be staged to tell what changed.
def currentBuild(atlas) {
    if (!isLocal(atlas) || !atlas.resolve('manifest.json').exists()) {
        return []
    }
    return atlas.resolve('current').exists() ? atlas.resolve('current').toRealPath() : atlas
}

def manifestOf(atlas) {
    return atlas ? atlas.resolve('manifest.json') : []
}

def existingAtlas(folder) {
    if (!folder) {
        return []
    }
    def atlas = file(folder, glob: false)
    if (isLocal(atlas) && atlas.exists() && atlas.toRealPath().parent.name == 'builds') {
        error("${folder} is one build of an atlas, without its large files: --atlas takes the folder of the atlas, ${atlas.toRealPath().parent.parent}")
    }
    if (!atlas.resolve('manifest.json').exists()) {
        error("No atlas in ${folder}: --atlas takes the folder of one that was built, with manifest.json")
    }
    return atlas
}
