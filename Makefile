# Recto's one Makefile. `make help` explains every target.
SHELL      := /bin/bash
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:

CACHE   := $(CURDIR)/.cache
BIN     := bin/recto
GO      ?= go
VERSION := $(shell git describe --tags --always --dirty 2>/dev/null || echo dev)
LDFLAGS := -s -w -X main.version=$(VERSION)
GOFLAGS_BUILD := -trimpath -ldflags '$(LDFLAGS)'
# apt-get needs root; sudo is used where we are not root.
SUDO    := $(shell [ "$$(id -u)" = 0 ] || echo sudo)
export CGO_ENABLED := 1

include embedded/onnx/runtime.mk
include embedded/compiled.mk
include node/blob/minio.mk

# debian PACKAGE... : install what is missing, quietly, once.
define debian
	@missing=""; for p in $(1); do dpkg-query -W -f='$${Status}' $$p 2>/dev/null | grep -q 'ok installed' || missing="$$missing $$p"; done; \
	if [ -n "$$missing" ]; then echo "installing$$missing"; $(SUDO) apt-get update -qq && \
	DEBIAN_FRONTEND=noninteractive $(SUDO) apt-get install -y -qq --no-install-recommends $$missing >/dev/null; fi
endef

.PHONY: train help
help: ## This list
	@awk -F':.*## ' '/^[a-z-]+:.*## /{printf "  make %-12s %s\n", $$1, $$2}' Makefile

.PHONY: build-deps test-deps bench-deps
build-deps:
	$(call debian,gcc libc6-dev ca-certificates)
test-deps: build-deps
	$(call debian,chromium poppler-utils qpdf)
bench-deps: test-deps
	$(call debian,tesseract-ocr tesseract-ocr-eng tesseract-ocr-deu)

.PHONY: build
build: build-deps $(ONNX_LIB) $(WASM_COMPILED) ## Build bin/recto: one binary with engines, models and UI inside
	$(GO) build $(GOFLAGS_BUILD) -o $(BIN) ./cmd/recto
	@ls -lh $(BIN) | awk '{print $$9": "$$5}'

.PHONY: demo
demo: build ## Start a node, read the sample documents, print their fields, leave the UI up
	@packaging/demo.sh $(BIN)

.PHONY: demo-stop
demo-stop: ## Stop the demo node (its data stays in .cache/demo)
	@if [ -f .cache/demo/pid ]; then kill "$$(cat .cache/demo/pid)" 2>/dev/null || true; rm -f .cache/demo/pid; echo stopped; fi

# Packages that start many processes or read many pages run one after the other:
# two cores shared by all of them at once only make each of them wait.
.PHONY: test
test: test-deps minio build ## Run all tests (installs what they need)
	$(GO) vet ./...
	RECTO_BIN=$(CURDIR)/$(BIN) $(GO) test $(TEST_LDFLAGS) -p 2 -timeout 18m ./...

.PHONY: race
race: test-deps minio build ## The tests under the race detector
	RECTO_BIN=$(CURDIR)/$(BIN) $(GO) test $(TEST_LDFLAGS) -race -p 1 -timeout 60m ./...

.PHONY: robust
robust: test-deps build ## Every malformed file of the development data, through a node
	RECTO_ROBUST=full RECTO_BIN=$(CURDIR)/$(BIN) $(GO) test -count=1 -timeout 60m -run 'Hostile|Robust' -v ./node ./node/extract/decode

# Fault runs build a binary of their own, whose clock can jump and whose reading can wait.
CHAOS_SEEDS ?= 1000
CHAOS_LANES ?= 6
CHAOS_OUT   ?= $(CACHE)/chaos
.PHONY: chaos
chaos: test-deps build ## Fault runs: clusters of real processes broken by seeds (root; CHAOS_SEEDS=1000)
	@$(GO) build -o $(CACHE)/chaos-run ./node/chaos/cmd/chaos
	$(CACHE)/chaos-run -seeds $(CHAOS_SEEDS) -parallel $(CHAOS_LANES) -out $(CHAOS_OUT)

.PHONY: chaos-plain
chaos-plain: ## The same seeds against plain JetStream, to see that loss is found
	@$(GO) build -o $(CACHE)/chaos-run ./node/chaos/cmd/chaos
	$(CACHE)/chaos-run -system jetstream -seeds $(CHAOS_SEEDS) -parallel $(CHAOS_LANES) -out $(CHAOS_OUT)

.PHONY: chaos-scenarios
chaos-scenarios: build ## Growth, rolling upgrade, failover and spread of work, on real processes (root)
	@$(GO) build -o $(CACHE)/chaos-run ./node/chaos/cmd/chaos
	for s in growth rolling failover spread; do $(CACHE)/chaos-run -scenario $$s -out $(CHAOS_OUT) || exit 1; done

.PHONY: eval
eval: build ## Accuracy on the development data, as in docs/benchmarks.md
	@packaging/eval.sh $(BIN)

train: build ## train the field models that are shipped (needs the labelled data, RECTO_DATA)
	packaging/train.sh bin/recto

.PHONY: bench
bench: bench-deps build ## Speed against named peers, as in docs/benchmarks.md
	RECTO_BIN=$(CURDIR)/$(BIN) $(GO) test -tags bench -count=1 -timeout 60m -run 'TestP[0-9]' -v ./node
	$(GO) test -count=1 -timeout 30m -run '^$$' -bench 'Receipts|Invoices' -benchtime 1x ./node/extract/ocr

.PHONY: lint
lint: ## golangci-lint, pinned
	$(GO) run github.com/golangci/golangci-lint/v2/cmd/golangci-lint@v2.5.0 run

.PHONY: fmt
fmt: ## gofmt everything
	gofmt -w $$(git ls-files '*.go')

.PHONY: clean
clean: ## Remove what was built (not what was downloaded)
	rm -rf bin dist
