# Two commands do everything on a machine with Go and a C compiler: `make run` and `make test`.

GO      ?= go
TAGS    := sqlite_fts5
VERSION := $(shell git describe --tags --always --dirty 2>/dev/null || echo unknown)
BUILD   := $(GO) build -trimpath -tags $(TAGS) -ldflags "-X main.version=$(VERSION)"
LISTEN  ?= 127.0.0.1:8080
DATA    ?= ./data
FUZZTIME ?= 30s

.PHONY: run build viewer test e2e check lint fuzz bench interop faults faults-build security release clean help

help: ## Show the targets
	@awk -F':.*## ' '/^[a-z0-9-]+:.*## /{printf "  %-8s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

run: build viewer ## Build, and start the server with its page, the viewer and a small synthetic study set
	bin/noctis serve --listen $(LISTEN) --data $(DATA) --demo

build: ## Build bin/noctis
	@mkdir -p bin
	$(BUILD) -o bin/noctis ./cmd/noctis

viewer: ## Fetch OHIF by npm and package it into bin/viewer (skipped, with a word, where npm is missing)
	@$(MAKE) -s bin/viewer/index.html || echo "viewer: going on without OHIF; /viewer/ says how to get it"

bin/viewer/index.html: $(wildcard web/viewer/*.go web/viewer/*.js web/viewer/*.html web/viewer/*.json)
	@$(GO) run ./web/viewer -out bin/viewer

test: ## All tests that need nothing but Go and a C compiler
	$(GO) test -tags $(TAGS) -timeout 30m ./...

e2e: build viewer ## Browser tests: the page and the real OHIF in headless Chromium
	$(GO) test -tags "$(TAGS) e2e" -count=1 -timeout 20m ./e2e/...

# Without race detection `make test` kills migrations at each of their statements: one thread runs them, and the detector makes each of a hundred processes
# take a second.
check: lint security ## Everything that is checked without a browser but not by `make test`: formatting, vet, laws, known vulnerabilities, races
	$(GO) test -tags $(TAGS) -race -timeout 30m -skip TestMigrationThatIsKilled ./dicomweb/... ./store/...
	@$(MAKE) -s faults-build && bin/faults -bin bin
	$(GO) test -tags "$(TAGS) failpoints" -count=1 -run KilledBetween ./cmd/noctis
	NOCTIS_LARGE=1 $(GO) test -tags $(TAGS) -count=1 -run "Large|EightClients|BurstOf" ./cmd/noctis

lint:
	@out=$$(gofmt -l $$(git ls-files '*.go')); test -z "$$out" || { echo "gofmt: $$out"; exit 1; }
	$(GO) vet -tags $(TAGS) ./...
	$(GO) vet -tags "$(TAGS) e2e" ./e2e/...
	$(GO) test -tags $(TAGS) ./internal/law/...
	$(GO) test -tags $(TAGS) -v -run TestClauseCoverage ./conformance
	$(GO) tool staticcheck -tags "$(TAGS) e2e" ./...

# What gosec finds is fixed, or excused where it stands (#nosec, with the reason). Left out altogether: G104 (errors that cannot be or do not matter are
# a matter of review), G115 (codecs cut integers on purpose, and their fuzz targets look), G304 (files are opened by name: that is what the
# commands are for), G404 (random tests repeat themselves), G602 (all of it false: lengths are checked, or are of arrays). Programs that developers
# run are left out.
GOSEC_RULES   := G104,G115,G304,G404,G602
GOSEC_FOLDERS := -exclude-dir=internal/faults -exclude-dir=internal/golden -exclude-dir=internal/gentags -exclude-dir=conformance/interop -exclude-dir=web/viewer -exclude-dir=e2e

security: ## Known vulnerabilities (govulncheck) and dangerous constructs (gosec)
	@GO=$(GO) sh scripts/vulncheck.sh
	$(GO) run github.com/securego/gosec/v2/cmd/gosec@v2.22.10 -quiet -tags $(TAGS) -exclude-generated -exclude=$(GOSEC_RULES) $(GOSEC_FOLDERS) ./...

release: ## Programs for Linux with their lists of parts (SBOM), built twice and compared, in bin/release
	sh scripts/release.sh $(VERSION)

fuzz: ## Run every fuzz target for FUZZTIME (default 30s)
	sh scripts/fuzz.sh $(FUZZTIME)

BENCH_INSTANCES ?= 1000000

bench: ## Benchmarks; that of searches fills an index with BENCH_INSTANCES (a million: some minutes, 2 GB of disk)
	NOCTIS_BENCH_INSTANCES=$(BENCH_INSTANCES) $(GO) test -tags $(TAGS) -run '^$$' -bench Scale -benchtime 1x -timeout 60m ./cmd/noctis
	$(GO) test -tags $(TAGS) -run '^$$' -bench . -skip Scale -benchmem ./...

interop: build ## Run the conformance suite on Noctis and on Orthanc from Debian's packages; writes docs/INTEROP.md
	$(GO) run ./conformance/interop

faults-build: build
	$(GO) build -trimpath -tags "$(TAGS) failpoints" -o bin/noctis-failpoints ./cmd/noctis
	$(GO) build -trimpath -o bin/faults ./internal/faults
	$(GO) test -c -trimpath -tags $(TAGS) -o bin/migrations.test ./store/sqlite

bin/noctis-jumping: faults-build # a program whose clock jumps; all of it is built anew for that
	@mkdir -p bin/jumping
	$(GO) run ./internal/faults/jumping bin/jumping > bin/jumping/overlay.json
	$(BUILD) -overlay bin/jumping/overlay.json -o bin/noctis-jumping ./cmd/noctis

faults: faults-build bin/noctis-jumping ## The faults that a store must survive, the long form (an hour; as root all rows), into docs/FAULTS.md
	bin/faults -bin bin -long -report docs/FAULTS.md

clean: ## Remove what was built; the data stays
	rm -rf bin web/viewer/node_modules
