"""Stem-loops at the places that miRBase 22.1 publishes (hsa.gff3, GRCh38): two clusters, one alone.

miR-17~92 on the plus strand of chromosome 13, its paralogue miR-106a~363 on the minus strand of X,
and mir-622, a million bases before the first. Both clusters make miR-19b-3p and miR-92a-3p.
"""

from __future__ import annotations

HAIRPINS = (
    ("MI0003636", "hsa-mir-622", "chr13", 90231182, 90231277, "+"),
    ("MI0000071", "hsa-mir-17", "chr13", 91350605, 91350688, "+"),
    ("MI0000072", "hsa-mir-18a", "chr13", 91350751, 91350821, "+"),
    ("MI0000073", "hsa-mir-19a", "chr13", 91350891, 91350972, "+"),
    ("MI0000076", "hsa-mir-20a", "chr13", 91351065, 91351135, "+"),
    ("MI0000074", "hsa-mir-19b-1", "chr13", 91351192, 91351278, "+"),
    ("MI0000093", "hsa-mir-92a-1", "chr13", 91351314, 91351391, "+"),
    ("MI0000764", "hsa-mir-363", "chrX", 134169378, 134169452, "-"),
    ("MI0000094", "hsa-mir-92a-2", "chrX", 134169538, 134169612, "-"),
    ("MI0000075", "hsa-mir-19b-2", "chrX", 134169671, 134169766, "-"),
    ("MI0001519", "hsa-mir-20b", "chrX", 134169809, 134169877, "-"),
    ("MI0001518", "hsa-mir-18b", "chrX", 134170041, 134170111, "-"),
    ("MI0000113", "hsa-mir-106a", "chrX", 134170198, 134170278, "-"),
)
MATURE = {
    "MI0003636": (("MIMAT0003291", "hsa-miR-622", 90231242, 90231262),),
    "MI0000071": (
        ("MIMAT0000070", "hsa-miR-17-5p", 91350618, 91350640),
        ("MIMAT0000071", "hsa-miR-17-3p", 91350655, 91350676),
    ),
    "MI0000072": (
        ("MIMAT0000072", "hsa-miR-18a-5p", 91350756, 91350778),
        ("MIMAT0002891", "hsa-miR-18a-3p", 91350797, 91350819),
    ),
    "MI0000073": (
        ("MIMAT0004490", "hsa-miR-19a-5p", 91350904, 91350925),
        ("MIMAT0000073", "hsa-miR-19a-3p", 91350939, 91350961),
    ),
    "MI0000076": (
        ("MIMAT0000075", "hsa-miR-20a-5p", 91351072, 91351094),
        ("MIMAT0004493", "hsa-miR-20a-3p", 91351108, 91351129),
    ),
    "MI0000074": (
        ("MIMAT0004491", "hsa-miR-19b-1-5p", 91351207, 91351229),
        ("MIMAT0000074", "hsa-miR-19b-3p", 91351245, 91351267),
    ),
    "MI0000093": (
        ("MIMAT0004507", "hsa-miR-92a-1-5p", 91351324, 91351346),
        ("MIMAT0000092", "hsa-miR-92a-3p", 91351361, 91351382),
    ),
    "MI0000764": (
        ("MIMAT0003385", "hsa-miR-363-5p", 134169425, 134169446),
        ("MIMAT0000707", "hsa-miR-363-3p", 134169382, 134169403),
    ),
    "MI0000094": (
        ("MIMAT0000092_1", "hsa-miR-92a-3p", 134169544, 134169565),
        ("MIMAT0004508", "hsa-miR-92a-2-5p", 134169583, 134169604),
    ),
    "MI0000075": (
        ("MIMAT0004492", "hsa-miR-19b-2-5p", 134169727, 134169748),
        ("MIMAT0000074_1", "hsa-miR-19b-3p", 134169683, 134169705),
    ),
    "MI0001519": (
        ("MIMAT0001413", "hsa-miR-20b-5p", 134169850, 134169872),
        ("MIMAT0004752", "hsa-miR-20b-3p", 134169813, 134169834),
    ),
    "MI0001518": (
        ("MIMAT0001412", "hsa-miR-18b-5p", 134170084, 134170106),
        ("MIMAT0004751", "hsa-miR-18b-3p", 134170042, 134170063),
    ),
    "MI0000113": (
        ("MIMAT0000103", "hsa-miR-106a-5p", 134170244, 134170266),
        ("MIMAT0004517", "hsa-miR-106a-3p", 134170208, 134170229),
    ),
}


def line(kind, chromosome, start, end, strand, **attributes):
    """One line of GFF3."""
    about = ";".join(f"{key}={value}" for key, value in attributes.items())
    return "\t".join([chromosome, ".", kind, str(start), str(end), ".", strand, ".", about]) + "\n"


def gff3():
    """The stem-loops and their mature miRNAs as miRBase writes them."""
    lines = ["##gff-version 3\n", "# microRNAs:               miRBase v22\n", "#\n"]
    for accession, name, chromosome, start, end, strand in HAIRPINS:
        at = (chromosome, start, end, strand)
        about = {"ID": accession, "Alias": accession, "Name": name}
        lines.append(line("miRNA_primary_transcript", *at, **about))
        for mature, called, first, last in MATURE[accession]:
            about = {"ID": mature, "Alias": mature.split("_")[0], "Name": called}
            at = (chromosome, first, last, strand)
            lines.append(line("miRNA", *at, **about, Derives_from=accession))
    return "".join(lines)
