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

// Nextflow sees that a folder was exchanged, but not that a file in it was: FETCH depends on this too.
def insideFolders(files) {
    return files.findAll { f -> f.isDirectory() }
        .collectMany { folder -> filesBelow(folder) }
        .collect { f -> "${f} ${f.size()} ${f.lastModified()}".toString() }
}

// 0: per-dataset files, immutable and named by content; 1: small tables; then what leads to them
def turn(name) {
    return name == 'atlas.duckdb' ? 3 : name == 'manifest.json' ? 2 : name.contains('/') ? 0 : 1
}

def publishAtlas(source, target) {
    filesBelow(source)
        .collect { f -> [name: source.relativize(f).toString(), path: f] }
        .sort { f -> "${turn(f.name)} ${f.name}".toString() }
        .each { f ->
            def to = target.resolve(f.name)
            if (turn(f.name) > 0 || !to.exists() || to.size() != f.path.size()) {
                publishFile(f.path, to)
            }
        }
}

// Links are followed. An object store shows no half object: there the copy is one step already.
def publishFile(from, to) {
    def local = to.fileSystem == java.nio.file.FileSystems.default
    def part = local ? to.resolveSibling("${to.name}.part") : to
    java.nio.file.Files.createDirectories(to.parent)
    java.nio.file.Files.copy(from, part, java.nio.file.StandardCopyOption.REPLACE_EXISTING)
    if (local) {
        java.nio.file.Files.move(part, to, java.nio.file.StandardCopyOption.ATOMIC_MOVE)
    }
}

// One run at a time writes into a folder. The operating system drops the lock when the run dies,
// so what is returned has to be kept until the end. Buckets have no locks.
def lockFolder(folder) {
    if (folder.fileSystem != java.nio.file.FileSystems.default) {
        return null
    }
    java.nio.file.Files.createDirectories(folder)
    def opened = new java.io.RandomAccessFile(folder.resolve('.lock').toFile(), 'rw')
    if (!opened.channel.tryLock()) {
        error("Another run is writing into ${folder}: wait for it, or give another --outdir")
    }
    return opened
}
