#!/usr/bin/env bash
# Every experiment on the TCGA samples in $BULK and the cells beside it, into $OUT. What is there
# already is not done again; remove $OUT to start anew.
set -euo pipefail
cd "$(dirname "$0")/.."
BULK=${BULK:?folder of the TCGA tables} OUT=${OUT:-build/study} PYTHON=${PYTHON:-python3}
CELLS=$BULK/../cells PARITY=$BULK/../parity TARGETS=build/weights
export PYTHONDONTWRITEBYTECODE=1 OMP_NUM_THREADS=${OMP_NUM_THREADS:-1}

mrna=$BULK/tcga_rnaseq_log2_977.csv.gz
mirna=$TARGETS/mirna.csv.gz
cohorts=(--strata "$BULK/tcga_rnaseq_samples.csv")
extra=(--extra-mrna "$BULK/tcga_array_log2ratio_landmarks.csv.gz"
       --extra-mirna "$TARGETS/array_mirna.csv.gz" --extra-strata "$BULK/tcga_array_samples.csv")
released=(--extra-mrna "$PARITY/gbm_pooled_landmarks.parquet"
          --extra-mirna "$PARITY/gbm_pooled_released_predictions.parquet")
paper=bin/sicmir_atlas/data/models/sicmir-tcga414-v2
default=bin/sicmir_atlas/data/models/atlas-tcga661-v1
twin=$OUT/held_out/atlas-tcga661-held-out  # the default model, trained without the test samples

step() { "$PYTHON" bin/sicmir-step "$@"; }

# experiment NAME FOLDER ARGUMENTS: `sicmir-atlas study NAME ARGUMENTS -o $OUT/FOLDER`, once
experiment() {
    local name=$1 folder=$2
    shift 2
    if compgen -G "$OUT/$folder/*.json" > /dev/null; then
        echo "$folder: done before"
        return
    fi
    echo "$folder: sicmir-atlas study $name $*"
    step study "$name" "$@" -o "$OUT/$folder"
}

learners() { printf -- '--learner %s ' "$@"; }

experiment models ridges "$mrna" "$mirna" "${cohorts[@]}" "${extra[@]}" $(learners \
    ridge ridge-weaker ridge-within ridge-both low-rank-ridge pls kernel-ridge gaussian-ridge \
    gaussian-ridge-within)
experiment models soft_targets "$mrna" "$mirna" "${cohorts[@]}" "${released[@]}" \
    $(learners gaussian-ridge-within)
for learner in paper resnet transformer block-transformer noisy-paper paper-5-seeds; do
    experiment models "networks/$learner" "$mrna" "$mirna" "${cohorts[@]}" $(learners "$learner")
done
experiment learning-curve learning_curve "$mrna" "$mirna" "${cohorts[@]}" \
    --measured "$BULK/tcga_mature_log2rpm_TNBC67_CHOL45.csv.gz"
experiment calibration calibration "$mrna" "$mirna" "${cohorts[@]}" "${extra[@]}"
experiment features features "$mrna" "$mirna" "${cohorts[@]}" \
    --mrna-wide "$BULK/tcga_rnaseq_log2x100_top5000_variable.parquet"
experiment cancers cancers "$mrna" "$mirna" "${cohorts[@]}"

if [[ ! -e $twin/model.json ]]; then
    step train "$mrna" "$mirna" "${cohorts[@]}" "${extra[@]}" --learner gaussian-ridge-within \
        --about "$TARGETS/about.json" --title "the default model without the test samples" -o "$twin"
fi
for model in "$twin" "$paper"; do
    name=$(basename "$model")
    judged=("$mrna" "$mirna" "${cohorts[@]}" --model "$model")
    experiment hubs "$name/hubs" "${judged[@]}"
    experiment attributions "$name/attributions" "${judged[@]}"
    experiment modules "$name/modules" "$OUT/$name/attributions/shap_abs_mean.parquet" \
        "$OUT/$name/hubs/hubs.csv"
    experiment stress "$name/stress" "${judged[@]}" \
        --ranking "$OUT/$name/attributions/attributions.csv"
done
for model in "$default" "$paper"; do
    experiment agreement "agreement/$(basename "$model")" "$PARITY/gbm_pooled_landmarks.parquet" \
        "$PARITY/gbm_pooled_released_predictions.parquet" --model "$model"
done
experiment mirscape mirscape/977 "$mrna" "$mirna" "${cohorts[@]}" --model "$twin"
experiment mirscape mirscape/5000 "$mrna" "$mirna" "${cohorts[@]}" --model "$twin" \
    --mrna-wide "$BULK/tcga_rnaseq_log2x100_top5000_variable.parquet"
experiment inference-time inference_time "$mrna" "$mirna" --model "$twin"
experiment percell percell "$CELLS/pbmc_facs.h5ad" "$CELLS/lung_lines.h5ad" \
    --by celltype --by cell_line_demuxlet
experiment markers markers "$CELLS/pbmc_facs.h5ad" --by celltype --term 'CD34+=CL:0008001'
"$PYTHON" tools/study_tables.py "$OUT"
