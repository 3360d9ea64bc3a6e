package onnx

import _ "embed"

// If the compiler finds no file here, run `make onnxruntime` first: it fetches
// the pinned library, which is too large to commit.
//
//go:embed lib/libonnxruntime-linux-arm64.so.zst
var packedLibrary []byte
