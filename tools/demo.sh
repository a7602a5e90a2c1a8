#!/usr/bin/env bash
# Build an atlas from simulated data and show what is in it: demo.sh OUTDIR
set -euo pipefail
outdir=$1

bin/sicmir-step demo demo
tools/nextflow -log .nextflow.log run main.nf -profile test --outdir "$outdir" -resume -ansi-log false
echo
bin/sicmir-step summary "$outdir/atlas"
cat <<TEXT

The atlas lies in $outdir/atlas. All counts in it are simulated. Try next:
  .venv/bin/python bin/sicmir-step sql $outdir/atlas "FROM cell_type_mirna WHERE mirna = 'hsa-miR-21-5p' ORDER BY rank_over_types"
  .venv/bin/python bin/sicmir-step validate $outdir/atlas
  .venv/bin/python bin/sicmir-step predict demo/demo_blood.h5ad --by cell_type -o blood_mirna.csv
TEXT
