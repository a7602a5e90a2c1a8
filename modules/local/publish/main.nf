include { publishAtlas } from '../../../subworkflows/local/utils/folders'

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
