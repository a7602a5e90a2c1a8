"""Simulated bulk cohorts in the layouts of UCSC Xena, GTEx and miRBase, as files by address."""

from __future__ import annotations

import gzip

import numpy as np

from sicmir_atlas.names import landmarks, mirnas

N_MIRNAS = 300  # the published learning rate is for many outputs: with 40, training diverges
ACCESSIONS = {f"MIMAT{i:07d}": name for i, name in enumerate(mirnas()[:N_MIRNAS], 1)}
TISSUES = ("Lung", "Heart - Left Ventricle")


def levels(n_samples, seed):
    """Samples × landmarks and samples × miRNAs in log2(x + 1), with three factors in common."""
    rng = np.random.default_rng(0)
    to_genes = rng.normal(size=(3, len(landmarks())))
    to_mirnas = rng.normal(size=(3, N_MIRNAS))
    rng = np.random.default_rng(seed)
    factors = rng.normal(size=(n_samples, 3))
    genes = factors @ to_genes + rng.normal(0, 0.5, (n_samples, len(landmarks()))) + 8
    small = factors @ to_mirnas + rng.normal(0, 0.5, (n_samples, N_MIRNAS)) + 6
    return np.maximum(genes, 0).round(4), np.maximum(small, 0).round(4)


def tsv(corner, samples, rows):
    """Features × samples, gzipped."""
    lines = ["\t".join([*corner, *samples])]
    lines += ["\t".join([*names, *(f"{value:.7g}" for value in row)]) for names, row in rows]
    return gzip.compress(("\n".join(lines) + "\n").encode(), mtime=0)


def xena(cohorts, *, older=(), n_samples=30):
    """Files of a hub: HiSeqV2 bare and miRNAs with .gz; `older` cohorts have GA in place of HiSeq.

    The last tenth of the samples is normal tissue.
    """
    files = {}
    for number, cohort in enumerate(cohorts):
        genes, small = levels(n_samples, seed=number + 1)
        codes = ["11" if i >= 0.9 * n_samples else "01" for i in range(n_samples)]
        samples = [f"TCGA-{cohort[:2]}-{i:04d}-{code}" for i, code in enumerate(codes)]
        named = [((symbol,), row) for symbol, row in zip(landmarks(), genes.T, strict=True)]
        other = [((f"OTHER{i}",), np.full(n_samples, 3.0)) for i in range(20)]
        place = f"TCGA.{cohort}.sampleMap"
        files[f"{place}/HiSeqV2"] = tsv(["sample"], samples, [*other, *named])
        rows = [((one,), row) for one, row in zip(ACCESSIONS, small.T, strict=True)]
        rows.append((("MIMAT9999999",), np.full(n_samples, 1.0)))
        kind = "miRNA_GA_gene" if cohort in older else "miRNA_HiSeq_gene"
        files[f"{place}/{kind}.gz"] = tsv(["sample"], samples, rows)
    return files


def mirbase():
    """The page that miRBase wraps its file into."""
    body = "".join(
        f"&gt;{name} {one} Homo sapiens {name[4:]}<br>\nUGAGGUAGUAGGUUGUAUAGUU<br>\n"
        for one, name in ACCESSIONS.items()
    )
    mouse = "&gt;mmu-let-7a-5p MIMAT0000521 Mus musculus let-7a-5p<br>\nUGAGG<br>\n"
    return {"CURRENT/mature.fa": f"<p>{body}{mouse}</p>".encode()}


def gtex(n_samples=24):
    """GTEx's four files: linear TPM, aliquots of mRNA and miRNA named apart, tissues in turn."""
    from sicmir_atlas.names import read_data_table
    from sicmir_atlas.sources.bulk.gtex import FILES

    genes, small = levels(n_samples, seed=99)
    pieces = [f"GTEX-{i:04d}-0226" for i in range(n_samples)]
    ids = read_data_table("landmarks.tsv")["ensembl_gene_id"]
    rows = [
        ((f"{one}.{i % 9}", symbol), np.exp2(row) - 1)
        for i, (one, symbol, row) in enumerate(zip(ids, landmarks(), genes.T, strict=True))
    ]
    table = tsv(["Name", "Description"], [f"{p}-SM-AAAA1" for p in pieces], rows)
    head = f"#1.2\n{len(rows)}\t{n_samples}\n".encode()
    urs = [f"URS{i:010X}" for i in range(N_MIRNAS)]
    counted = [((one,), np.exp2(row) - 1) for one, row in zip(urs, small.T, strict=True)]
    names = "id\ttype\tmirbase_name\tMIMAT\n" + "".join(
        f"{one}\tmiRNA\t{name}\t{accession}\n"
        for one, (accession, name) in zip(urs, ACCESSIONS.items(), strict=True)
    )
    samples = "SAMPID\tSMATSSCR\tSMTSD\tSMAFRZE\n" + "".join(
        f"{piece}-SM-{aliquot}\t\t{TISSUES[i % 2]}\t{freeze}\n"
        for i, piece in enumerate(pieces)
        for aliquot, freeze in (("AAAA1", "RNASEQ"), ("BBBB2", "SMLRNA"))
    )
    return {
        FILES["mrna"]: gzip.compress(head + gzip.decompress(table), mtime=0),
        FILES["mirna"]: tsv(["Name"], [f"{p}-SM-BBBB2" for p in pieces], counted),
        FILES["names"]: (names + "URS00FFFFFFFF\tpiRNA\t\t\n").encode(),
        FILES["samples"]: samples.encode(),
    }
