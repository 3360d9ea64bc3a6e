# Fetches the ONNX Runtime shared library that embedded/onnx carries inside the
# binary: from the pinned Python wheel, whose SHA-256 and that of the library
# inside are checked before anything is kept. Nothing is downloaded when the
# library is there. Override ONNX_ARCH to prepare a cross build.
ONNX_VERSION := 1.32.0
ONNX_ARCH    ?= $(shell $(GO) env GOARCH)
ONNX_LIB     := embedded/onnx/lib/libonnxruntime-linux-$(ONNX_ARCH).so.zst

ONNX_PLATFORM_amd64 := manylinux_2_28_x86_64
ONNX_WHEEL_amd64    := 5a34fc4dfeb5a7b4a74c95dcba1e773d722abda720b474edf1b0c419dc6d163d
ONNX_SO_amd64       := 6c1585d1bbf45b0712ea4a21b705c5fcb4ba04ff2e30f1fbf81a49faf658638f
ONNX_PLATFORM_arm64 := manylinux_2_28_aarch64
ONNX_WHEEL_arm64    := 2303372a85299b6757b0e11e1cbf13e410ddf7e10c37f4b37e99d1c90e7daf7c
ONNX_SO_arm64       := 49852228a93995158b2a813d4df487d47a1b76b0eaa894507ef49e91b6d7954a

# The directory name carries the version, so a new pin fetches anew.
ONNX_DOWNLOAD := $(CURDIR)/.cache/onnxruntime-$(ONNX_VERSION)-$(ONNX_ARCH)

.PHONY: onnxruntime
onnxruntime: $(ONNX_LIB) ## Fetch the pinned ONNX Runtime library (build does it)

$(ONNX_LIB): embedded/onnx/runtime.mk
	@if [ -z "$(ONNX_PLATFORM_$(ONNX_ARCH))" ]; then echo "no ONNX Runtime is pinned for $(ONNX_ARCH)"; exit 1; fi
	@command -v pip >/dev/null || command -v pip3 >/dev/null || { echo "installing python3-pip"; \
	$(SUDO) apt-get update -qq && DEBIAN_FRONTEND=noninteractive $(SUDO) apt-get install -y -qq --no-install-recommends python3-pip >/dev/null; }
	@mkdir -p $(ONNX_DOWNLOAD)
	@echo "$(ONNX_WHEEL_$(ONNX_ARCH))  $$(echo $(ONNX_DOWNLOAD)/*.whl)" | sha256sum --check --status 2>/dev/null || { \
	echo "fetching onnxruntime $(ONNX_VERSION) for $(ONNX_ARCH)"; rm -f $(ONNX_DOWNLOAD)/*.whl; \
	pip=$$(command -v pip || command -v pip3); \
	$$pip download -q --disable-pip-version-check --no-deps --only-binary=:all: --implementation cp --python-version 3.11 \
	--platform $(ONNX_PLATFORM_$(ONNX_ARCH)) -d $(ONNX_DOWNLOAD) onnxruntime==$(ONNX_VERSION); }
	$(GO) run ./embedded/onnx/pack -wheel "$$(echo $(ONNX_DOWNLOAD)/*.whl)" -wheel-sha256 $(ONNX_WHEEL_$(ONNX_ARCH)) \
	-member onnxruntime/capi/libonnxruntime.so.$(ONNX_VERSION) -member-sha256 $(ONNX_SO_$(ONNX_ARCH)) -out $@
