# Compiles PDFium to machine code ahead, so that the first document on a fresh
# machine does not wait for it: embedded/pdfium carries the result in the binary.
# The name says the version of wazero, so a new one compiles anew. Not done for a
# cross build: that program compiles at its first document.
WAZERO_VERSION  := $(shell awk '$$1 == "github.com/tetratelabs/wazero" { print $$2 }' go.mod)
PDFIUM_PLATFORM := $(shell $(GO) env GOOS)-$(shell $(GO) env GOARCH)
PDFIUM_COMPILED :=
ifeq ($(PDFIUM_PLATFORM),$(shell $(GO) env GOHOSTOS)-$(shell $(GO) env GOHOSTARCH))
PDFIUM_COMPILED := embedded/pdfium/compiled/pdfium-$(PDFIUM_PLATFORM)-wazero-$(WAZERO_VERSION).pack

$(PDFIUM_COMPILED): embedded/pdfium/pdfium.wasm embedded/pdfium/runtime.go embedded/pdfium/pack.go
	@rm -f embedded/pdfium/compiled/*.pack
	$(GO) run ./embedded/pdfium/precompile -out $@
endif
