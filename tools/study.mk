# Every experiment on the TCGA samples in $(BULK) and the cells beside it, for `make study`.
# A target is the summary of an experiment. It is made again when its data, its model or its code is
# newer; after a change of arguments here, remove its folder. What fails leaves no summary, and then
# the page stays as it is.
.DELETE_ON_ERROR:
.SECONDEXPANSION:
MAKEFLAGS += --no-builtin-rules
export PYTHONDONTWRITEBYTECODE := 1
export OMP_NUM_THREADS := 1
PYTHON ?= python3
BULK ?= ../shared/data/bulk
TARGETS ?= build/weights
OUT ?= build/study

MRNA := $(BULK)/tcga_rnaseq_log2_977.csv.gz
MIRNA := $(TARGETS)/mirna.csv.gz
COHORTS := $(BULK)/tcga_rnaseq_samples.csv
ARRAY_MRNA := $(BULK)/tcga_array_log2ratio_landmarks.csv.gz
ARRAY_MIRNA := $(TARGETS)/array_mirna.csv.gz
ARRAY_COHORTS := $(BULK)/tcga_array_samples.csv
MATURE := $(BULK)/tcga_mature_log2rpm_TNBC67_CHOL45.csv.gz
WIDE := $(BULK)/tcga_rnaseq_log2x100_top5000_variable.parquet
POOLS := $(BULK)/../parity/gbm_pooled_landmarks.parquet
RELEASED := $(BULK)/../parity/gbm_pooled_released_predictions.parquet
BLOOD := $(BULK)/../cells/pbmc_facs.h5ad
LINES := $(BULK)/../cells/lung_lines.h5ad

SHIPPED := bin/sicmir_atlas/data/models
DEFAULT := $(SHIPPED)/atlas-tcga661-v1
PAPER := $(SHIPPED)/sicmir-tcga414-v3
# the default model, trained without the test samples
TWIN := $(OUT)/held_out/atlas-tcga661-held-out

RIDGES := ridge ridge-weaker ridge-within ridge-both low-rank-ridge pls kernel-ridge \
  gaussian-ridge gaussian-ridge-within
# minutes to an hour each
SLOW := paper companion noisy-paper noisy-paper-within paper-5-seeds gaussian-ridge-within-noisy \
  resnet transformer block-transformer mirscape-16-bins

# miRSCAPE on more genes by every threshold would take an hour
BASELINES := 977 977-16-bins 5000-16-bins
16-bins := --tree-method hist --max-bin 16

PAIRS := $(MRNA) $(MIRNA) $(COHORTS)
ARRAYS := $(ARRAY_MRNA) $(ARRAY_MIRNA) $(ARRAY_COHORTS)
pairs := $(MRNA) $(MIRNA) --strata $(COHORTS)
arrays := --extra-mrna $(ARRAY_MRNA) --extra-mirna $(ARRAY_MIRNA) --extra-strata $(ARRAY_COHORTS)
learners = $(addprefix --learner ,$(1))

# an experiment with its arguments, into the folder of the target, emptied before
run = rm -rf $(@D) && $(PYTHON) bin/sicmir-step $(1) -o $(@D)

# $(call code,COMMAND,STUDY): a command, and the modules of study that it uses
model_code := $(wildcard $(addprefix bin/sicmir_atlas/,model/*.py names.py trust.py \
  data/landmarks.tsv data/landmark_aliases.tsv data/mirnas.txt cli/_extra.py cli/study/_learner.py))
cell_code := $(wildcard $(addprefix bin/sicmir_atlas/,prepare/*.py readers/*.py harmonise/*.py \
  api.py formats.py predicting.py prediction.py profiles.py data/lineages.tsv data/overrides.tsv \
  data/words.tsv data/mitochondrial.tsv))
code = $(model_code) $(1:%=bin/sicmir_atlas/cli/study/%.py) \
  $(patsubst %,bin/sicmir_atlas/study/%.py,result $(2))

each := hubs attributions modules stress
RESULTS := $(addprefix $(OUT)/,ridges/models.json soft_targets/models.json \
  $(SLOW:%=learners/%/models.json) learning_curve/learning_curve.json calibration/calibration.json \
  features/features.json cancers/cancers.json \
  $(foreach name,$(notdir $(TWIN) $(PAPER)),$(foreach e,$(each),$(name)/$e/$e.json)) \
  $(foreach name,$(notdir $(DEFAULT) $(PAPER)),agreement/$(name)/agreement.json) \
  $(BASELINES:%=mirscape/%/mirscape.json) inference_time/inference_time.json \
  percell/percell.json markers/markers.json)

$(OUT)/page: tools/study_tables.py $(wildcard tools/study_*.py $(SHIPPED)/*/model.json) \
  docs/models.md $(COHORTS) $(MATURE) $(RESULTS)
	$(PYTHON) $< $(OUT) $(RESULTS) --samples $(COHORTS) --measured $(MATURE)
	touch $@

compared := $(PAIRS) $(call code,models,compare intervals)
$(OUT)/ridges/models.json: $(compared) $(ARRAYS)
	$(call run,study models $(pairs) $(arrays) $(call learners,$(RIDGES)))

$(OUT)/soft_targets/models.json: $(compared) $(POOLS) $(RELEASED)
	$(call run,study models $(pairs) --extra-mrna $(POOLS) --extra-mirna $(RELEASED) \
	  $(call learners,gaussian-ridge-within))

$(SLOW:%=$(OUT)/learners/%/models.json): $(OUT)/learners/%/models.json: $(compared)
	$(call run,study models $(pairs) $(call learners,$*))

$(OUT)/learning_curve/learning_curve.json: $(PAIRS) $(MATURE) \
  $(call code,learning_curve,learning_curve)
	$(call run,study learning-curve $(pairs) --measured $(MATURE))

$(OUT)/calibration/calibration.json: $(PAIRS) $(ARRAYS) $(call code,calibration,calibration)
	$(call run,study calibration $(pairs) $(arrays))

$(OUT)/features/features.json: $(PAIRS) $(WIDE) $(call code,features,feature_sets intervals)
	$(call run,study features $(pairs) --mrna-wide $(WIDE))

$(OUT)/cancers/cancers.json: $(PAIRS) $(call code,cancers,cancer_specific intervals)
	$(call run,study cancers $(pairs))

$(TWIN)/model.json: $(PAIRS) $(ARRAYS) $(TARGETS)/about.json $(model_code) \
  bin/sicmir_atlas/cli/train.py
	$(call run,train $(pairs) $(arrays) --learner gaussian-ridge-within \
	  --about $(TARGETS)/about.json --title "the default model without the test samples")

# two models, judged on samples that neither has seen
JUDGED := $(notdir $(TWIN) $(PAPER))
model = $(filter %/$*,$(TWIN) $(PAPER))
$(JUDGED:%=$(OUT)/%/hubs/hubs.json): $(OUT)/%/hubs/hubs.json: $(PAIRS) $$(model)/model.json \
  $(call code,hubs,cluster_table clusters heldout hub_table hubs predicted)
	$(call run,study hubs $(pairs) --model $(model))

$(JUDGED:%=$(OUT)/%/attributions/attributions.json): $(OUT)/%/attributions/attributions.json: \
  $(PAIRS) $$(model)/model.json \
  $(call code,attributions,attributions expected_gradients heldout hub_table predicted)
	$(call run,study attributions $(pairs) --model $(model))

$(JUDGED:%=$(OUT)/%/modules/modules.json): $(OUT)/%/modules/modules.json: \
  $(OUT)/%/attributions/attributions.json $(OUT)/%/hubs/hubs.json \
  $(call code,modules,attributions expected_gradients hub_table modules)
	$(call run,study modules $(OUT)/$*/attributions/shap_abs_mean.parquet $(OUT)/$*/hubs/hubs.csv)

$(JUDGED:%=$(OUT)/%/stress/stress.json): $(OUT)/%/stress/stress.json: $(PAIRS) \
  $$(model)/model.json $(OUT)/%/attributions/attributions.json \
  $(call code,stress,heldout perturbations predicted ranking sparsity stress stress_figure)
	$(call run,study stress $(pairs) --model $(model) \
	  --ranking $(OUT)/$*/attributions/attributions.csv)

$(OUT)/agreement/%/agreement.json: $(POOLS) $(RELEASED) $(SHIPPED)/%/model.json \
  $(call code,agreement,agreement)
	$(call run,study agreement $(POOLS) $(RELEASED) --model $(SHIPPED)/$*)

baseline := $(PAIRS) $(TWIN)/model.json \
  $(call code,mirscape,cells cohorts feature_sets heldout intervals mirscape timing)
$(OUT)/mirscape/977/mirscape.json: $(baseline)
	$(call run,study mirscape $(pairs) --model $(TWIN))

$(OUT)/mirscape/977-16-bins/mirscape.json: $(baseline)
	$(call run,study mirscape $(pairs) --model $(TWIN) $(16-bins))

$(OUT)/mirscape/5000-16-bins/mirscape.json: $(baseline) $(WIDE)
	$(call run,study mirscape $(pairs) --model $(TWIN) --mrna-wide $(WIDE) $(16-bins))

$(OUT)/inference_time/inference_time.json: $(OUT)/mirscape/977/mirscape.json $(MRNA) $(MIRNA) \
  $(TWIN)/model.json $(call code,inference_time,heldout timing)
	$(call run,study inference-time $(MRNA) $(MIRNA) --model $(TWIN) \
	  --mirscape $(OUT)/mirscape/977/mirscape.zip)

$(OUT)/percell/percell.json: $(BLOOD) $(LINES) $(DEFAULT)/model.json $(cell_code) \
  $(call code,percell,cells percell percell_figure)
	$(call run,study percell $(BLOOD) $(LINES) --by celltype --by cell_line_demuxlet)

$(OUT)/markers/markers.json: $(BLOOD) $(DEFAULT)/model.json $(cell_code) \
  bin/sicmir_atlas/data/marker_directions.tsv \
  $(call code,markers,directions markers markers_figure predicted_cells)
	$(call run,study markers $(BLOOD) --by celltype --term 'CD34+=CL:0008001')
