include { publishAtlas } from '../../../subworkflows/local/utils/folders'

// Runs in the head and not by publishDir: the order matters, and a reader must never see half a
// file or half an atlas.
process PUBLISH {
    label 'process_single'
    cache false
    // a full disk does not heal while one waits, and publishAtlas has told it; a bucket may
    errorStrategy { outdir.contains('://') && task.attempt <= task.maxRetries ? 'retry' : 'ignore' }

    input:
    val atlas       // path of the atlas folder made by CONSOLIDATE
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
