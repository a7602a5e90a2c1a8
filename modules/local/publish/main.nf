include { filesBelow } from '../../../subworkflows/local/utils/datasets'

// Runs in the head and not by publishDir: the order matters (what leads to the data comes last),
// and a reader must never see half a file.
process PUBLISH {
    label 'process_single'
    cache false

    input:
    val atlas       // path of the atlas folder made by CONSOLIDATE
    val validated   // waits for VALIDATE
    val outdir

    output:
    val published, emit: atlas

    exec:
    published = file("${outdir}/atlas")
    publishAtlas(atlas, published)

    stub:
    published = file("${outdir}/stub_atlas")
    publishAtlas(atlas, published)
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
