.DEFAULT_GOAL := help
.PHONY: help demo test test-slow test-torch test-cluster lint lint-nf-core docs lock images targets \
  weights study clean .nextflow-there
SHELL := /bin/bash
PYTHON ?= python3
OUTDIR ?= results
BULK ?= ../shared/data/bulk
JOBS ?= 2
CURATED ?= ../shared/data/facts/author_celltype_to_cl.tsv.gz
VENV := .venv
export PATH := $(CURDIR)/$(VENV)/bin:$(PATH)
export PYTHONDONTWRITEBYTECODE := 1

help:  ## show this
	@awk -F ':.*## ' '/^[a-z-]+:.*## /{printf "make %-17s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

demo: .nextflow-there $(VENV)/.runtime  ## build a small atlas from simulated data, and ask it
	@tools/demo.sh "$(OUTDIR)"

test: $(VENV)/.test  ## every test but the slow ones and those of a cluster
	@pytest -m "not slow and not torch and not cluster"

test-slow: $(VENV)/.test  ## the slow tests
	@pytest -m slow || test $$? -eq 5  # pytest's code for "no such test"

test-torch: .venv-torch/.torch  ## tests of training and of the torch backend (6 GB of packages)
	@.venv-torch/bin/pytest -m torch

test-cluster: $(VENV)/.test  ## a real Slurm, containers; needs root, and installs what is missing
	@pytest -m cluster

lint: $(VENV)/.test  ## ruff, mypy --strict, nextflow lint, hadolint
	@ruff check . && ruff format --check . && MYPYPATH=bin mypy --strict -p sicmir_atlas
	@tools/nextflow lint -exclude '$(VENV)' main.nf nextflow.config conf modules subworkflows workflows
	@hadolint containers/*/Containerfile

lint-nf-core: .nextflow-there .venv-nf-core/.nf-core  ## nf-core's rules for pipelines; what is off, and why: .nf-core.yml
	@export PATH="$(CURDIR)/.venv-nf-core/bin:$(CURDIR)/tools:$$PATH" NXF_OFFLINE=true NFCORE_NO_VERSION_CHECK=1 && \
	  nf-core --hide-progress pipelines lint --plain-text && nf-core pipelines schema lint

docs: demo  ## tables and answers in the docs, from the schemas and the demo's atlas
	@bin/sicmir-step schema > docs/output.md
	@python tools/docs_tables.py $(OUTDIR)/atlas

harmonise-report: $(VENV)/.runtime  ## score the rules that map labels of cell types
	@python tools/harmonise_report.py $(CURATED)

MODELS := bin/sicmir_atlas/data/models
PAIRS = $(BULK)/tcga_rnaseq_log2_977.csv.gz build/weights/mirna.csv.gz --strata $(BULK)/tcga_rnaseq_samples.csv
EXTRA = --extra-mrna $(BULK)/tcga_array_log2ratio_landmarks.csv.gz \
  --extra-mirna build/weights/array_mirna.csv.gz --extra-strata $(BULK)/tcga_array_samples.csv
CARD := --about build/weights/about.json --sources build/weights/sources.tsv
TORCH := .venv-torch/bin/python

targets: build/weights/about.json  ## miRNA targets of the TCGA samples in $(BULK)

build/weights/about.json: tools/tcga_targets.py bin/sicmir_atlas/data/mirnas.txt \
  $(wildcard $(BULK)/tcga_*.csv.gz) | .venv-torch/.torch
	@$(TORCH) tools/tcga_targets.py $(BULK) bin/sicmir_atlas/data/mirnas.txt build/weights

weights: targets  ## train the shipped models again, to the same bytes
	@$(TORCH) bin/sicmir-step train $(PAIRS) $(EXTRA) --learner gaussian-ridge-within --test 0 --folds 5 $(CARD) \
	  --title "Gaussians and ridge on 414 TCGA samples by RNA-seq and 247 by array" -o $(MODELS)/atlas-tcga661-v1
	@$(TORCH) bin/sicmir-step train $(PAIRS) --folds 5 $(CARD) \
	  --title "the paper's network on 414 TCGA samples; not the published weights" -o $(MODELS)/sicmir-tcga414-v3

study: targets  ## every experiment on the data in $(BULK), into build/study; hours
	@$(MAKE) -f tools/study.mk -j$(JOBS) BULK=$(BULK) PYTHON=$(TORCH)

lock:  ## exact versions anew; needs uv
	@for set in runtime: "cpu:--extra cloud" "gpu:--extra train" "test:--group test" \
	  "torch:--group test --extra study"; do \
	  uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-emit-index-url \
	    --no-annotate --no-header pyproject.toml $${set#*:} -o requirements/$${set%%:*}.txt; done
	@uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-emit-index-url \
	  --no-annotate --no-header --group nf-core -o requirements/nf-core.txt
	@for of in environment:cpu environment-train:gpu; do \
	  sum=$$(sha256sum requirements/$${of#*:}.txt | cut -c 1-12) && \
	  sed -i "s/^# lock .*/# lock $$sum/" modules/local/$${of%%:*}.yml; done

images:  ## container images of CPU and GPU tasks (the latter 6 GB), with podman or docker
	@tools/build_image.sh cpu $(BUILD_OPTIONS)
	@tools/build_image.sh gpu $(BUILD_OPTIONS)

clean:  ## remove the environments and the demo
	@rm -rf $(VENV) .venv-torch .venv-nf-core demo work results .nextflow .nextflow.log*

.nextflow-there:  # before packages are installed: one line says what is missing
	@tools/nextflow -version >/dev/null

$(VENV)/.runtime: requirements/runtime.txt
	@tools/environment.sh $(VENV) $< $@

$(VENV)/.test: requirements/test.txt $(VENV)/.runtime
	@tools/environment.sh $(VENV) $< $@

.venv-torch/.torch: requirements/torch.txt
	@tools/environment.sh .venv-torch $< $@

.venv-nf-core/.nf-core: requirements/nf-core.txt
	@tools/environment.sh .venv-nf-core $< $@
