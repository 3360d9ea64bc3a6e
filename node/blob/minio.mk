# MinIO, only for tests: the object store that node/blob is tried against. It is
# run as a program of its own and never linked or shipped (AGPL-3.0).
MINIO_VERSION := v0.0.0-20260212201848-7aac2a2c5b7c
MINIO_BIN     := $(CURDIR)/.cache/minio/$(MINIO_VERSION)/minio

.PHONY: minio
minio: $(MINIO_BIN) ## install the MinIO server that the blob store is tested against
	@mkdir -p .cache/bin && ln -sfn $(MINIO_BIN) .cache/bin/minio

$(MINIO_BIN):
	@echo "installing MinIO $(MINIO_VERSION) for the tests (once; several minutes)"
	@mkdir -p $(@D)
	GOBIN=$(@D) nice -n 10 go install github.com/minio/minio@$(MINIO_VERSION)
