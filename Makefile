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
include node/blob/minio.mk

# debian PACKAGE... : install what is missing, quietly, once.
define debian
	@missing=""; for p in $(1); do dpkg-query -W -f='$${Status}' $$p 2>/dev/null | grep -q 'ok installed' || missing="$$missing $$p"; done; \
	if [ -n "$$missing" ]; then echo "installing$$missing"; $(SUDO) apt-get update -qq && \
	DEBIAN_FRONTEND=noninteractive $(SUDO) apt-get install -y -qq --no-install-recommends $$missing >/dev/null; fi
endef

.PHONY: help
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
build: build-deps $(ONNX_LIB) ## Build bin/recto: one binary with engines, models and UI inside
	$(GO) build $(GOFLAGS_BUILD) -o $(BIN) ./cmd/recto
	@ls -lh $(BIN) | awk '{print $$9": "$$5}'

.PHONY: demo
demo: build ## Start a node, read the sample documents, print their fields, leave the UI up
	@packaging/demo.sh $(BIN)

.PHONY: test
test: test-deps $(ONNX_LIB) $(MINIO_BIN) build ## Run all tests (installs what they need)
	$(GO) vet ./...
	RECTO_BIN=$(CURDIR)/$(BIN) $(GO) test -timeout 18m ./...

.PHONY: race
race: test-deps $(ONNX_LIB) $(MINIO_BIN) ## The tests under the race detector
	$(GO) test -race -timeout 40m ./...

.PHONY: lint
lint: ## golangci-lint, pinned
	$(GO) run github.com/golangci/golangci-lint/v2/cmd/golangci-lint@v2.5.0 run

.PHONY: fmt
fmt: ## gofmt everything
	gofmt -w $$(git ls-files '*.go')

.PHONY: clean
clean: ## Remove what was built (not what was downloaded)
	rm -rf bin dist

.PHONY: demo-stop
demo-stop: ## Stop the demo node (its data stays in .cache/demo)
	@if [ -f .cache/demo/pid ]; then kill "$$(cat .cache/demo/pid)" 2>/dev/null || true; rm -f .cache/demo/pid; echo stopped; fi
