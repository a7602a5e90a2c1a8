// How much data a task gets, for what it asks for (conf/base.config). Links are followed: own files
// are linked.

// Bytes of a folder and of all folders in it.
def bytesIn(folder) {
    def found = []
    folder.toRealPath().eachFileRecurse { f -> found << f }
    return sizeOf(found)
}

// Bytes of what lies directly in folders: of shards and atlases the tables of all datasets, and not
// the files of single ones, which are streamed or linked.
def bytesOfTables(folders) {
    return sizeOf([folders].flatten().collectMany { folder -> folder.toRealPath().listFiles() as List })
}

def sizeOf(paths) {
    return paths.findAll { f -> f.isFile() }.sum(0L) { f -> f.size() }
}
