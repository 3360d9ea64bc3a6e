# Compiles the engines' WebAssembly to machine code ahead, so that the first
# document on a fresh machine does not wait for it: each engine carries the result
# in the binary. The names say the version of wazero, so a new one compiles anew.
# Not done for a cross build: that program compiles at its first document.
WAZERO_VERSION := $(shell awk '$$1 == "github.com/tetratelabs/wazero" { print $$2 }' go.mod)
# A test binary does not know the version of wazero in it, and so would compile
# instead of using what was compiled ahead.
TEST_LDFLAGS   := -ldflags '-X github.com/tetratelabs/wazero/internal/version.version=$(WAZERO_VERSION)'
WASM_PLATFORM  := $(shell $(GO) env GOOS)-$(shell $(GO) env GOARCH)
WASM_COMPILED  :=
ifeq ($(WASM_PLATFORM),$(shell $(GO) env GOHOSTOS)-$(shell $(GO) env GOHOSTARCH))
WASM_COMPILED  := $(foreach e,pdfium zxing,embedded/$(e)/compiled/$(e)-$(WASM_PLATFORM)-wazero-$(WAZERO_VERSION).pack)

$(filter embedded/pdfium/%,$(WASM_COMPILED)): embedded/pdfium/pdfium.wasm embedded/pdfium/runtime.go
$(filter embedded/zxing/%,$(WASM_COMPILED)): embedded/zxing/zxing.wasm embedded/zxing/compiled.go
$(WASM_COMPILED): embedded/wasmcode/wasmcode.go embedded/wasmcode/pack.go
	@rm -f $(@D)/*.pack
	$(GO) run ./embedded/precompile -engine $(word 2,$(subst /, ,$@)) -out $@
endif
