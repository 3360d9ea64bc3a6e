package onnx_test

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"os"
	"strings"
	"sync"
	"testing"
	"unicode/utf8"

	"github.com/recto-edge/recto/embedded/onnx"
)

func open(t *testing.T) *onnx.Runtime {
	t.Helper()
	rt, err := onnx.Open(onnx.Config{CacheDir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := rt.Close(); err != nil {
			t.Error(err)
		}
	})
	return rt
}

// strip is an input for the recogniser, w pixels wide.
func strip(w int) ([]float32, []int64) {
	in := make([]float32, 3*48*w)
	for i := range in {
		in[i] = float32(i%17)/8 - 1
	}
	return in, []int64{1, 3, 48, int64(w)}
}

func TestNetsAnswerInTheirShapes(t *testing.T) {
	rt := open(t)
	det, err := rt.Net(onnx.Detector)
	if err != nil {
		t.Fatal(err)
	}
	_, shape, err := det.Run(context.Background(), make([]float32, 3*64*96), []int64{1, 3, 64, 96})
	if err != nil {
		t.Fatal(err)
	}
	if len(shape) != 4 || shape[1] != 1 || shape[2] != 64 || shape[3] != 96 {
		t.Errorf("detector answers with shape %v", shape)
	}
	rec, err := rt.Net(onnx.Recogniser)
	if err != nil {
		t.Fatal(err)
	}
	in, inShape := strip(160)
	out, shape, err := rec.Run(context.Background(), in, inShape)
	if err != nil {
		t.Fatal(err)
	}
	classes := utf8.RuneCountInString(onnx.Charset()) + 1
	if len(shape) != 3 || shape[1] != 20 || shape[2] != int64(classes) {
		t.Errorf("recogniser answers with shape %v, charset has %d characters", shape, classes-1)
	}
	var sum float64
	for _, p := range out[:classes] {
		sum += float64(p)
	}
	if sum < 0.99 || sum > 1.01 {
		t.Errorf("posteriors of the first step add up to %v", sum)
	}
}

func TestCharsetHasWhatEuropeWrites(t *testing.T) {
	t.Parallel()
	for _, c := range "€£äöüÄÖÜßéèêàâçñåøæłšžčřőű§°²–“”’0123456789@%&" {
		if !strings.ContainsRune(onnx.Charset(), c) {
			t.Errorf("%q is missing", c)
		}
	}
	if !strings.HasSuffix(onnx.Charset(), " ") {
		t.Error("the last character is not the space")
	}
}

func TestDigestNamesTheBytes(t *testing.T) {
	t.Parallel()
	rt, err := onnx.Open(onnx.Config{})
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{onnx.Detector, onnx.Recogniser} {
		n, err := rt.Net(name)
		if err != nil {
			t.Fatal(err)
		}
		raw, err := os.ReadFile("models/" + name + ".onnx")
		if err != nil {
			t.Fatal(err)
		}
		sum := sha256.Sum256(raw)
		if want := name + "@sha256:" + hex.EncodeToString(sum[:8]); n.Digest() != want {
			t.Errorf("digest %s, want %s", n.Digest(), want)
		}
	}
	if _, err := rt.Net("nothing"); err == nil {
		t.Error("an unknown name gave no error")
	}
}

func TestRunsAtOnceAgree(t *testing.T) {
	rt := open(t)
	rec, err := rt.Net(onnx.Recogniser)
	if err != nil {
		t.Fatal(err)
	}
	in, shape := strip(96)
	want, _, err := rec.Run(context.Background(), in, shape)
	if err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for range 3 {
				got, _, err := rec.Run(context.Background(), in, shape)
				if err != nil {
					t.Error(err)
					return
				}
				for i := range want {
					if got[i] != want[i] {
						t.Errorf("value %d: %v alone, %v at once", i, want[i], got[i])
						return
					}
				}
			}
		})
	}
	wg.Wait()
}

func TestFailures(t *testing.T) {
	rt, err := onnx.Open(onnx.Config{})
	if err != nil {
		t.Fatal(err)
	}
	det, err := rt.Net(onnx.Detector)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, _, err := det.Run(ctx, make([]float32, 3*64*64), []int64{1, 3, 64, 64}); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
	if _, _, err := det.Run(context.Background(), make([]float32, 5), []int64{1, 3, 64, 64}); err == nil {
		t.Error("too little input gave no error")
	}
	if _, _, err := det.Run(context.Background(), make([]float32, 64*64), []int64{1, 1, 64, 64}); err == nil {
		t.Error("a wrong shape gave no error")
	}
	for range 2 { // Close twice is Close once
		if err := rt.Close(); err != nil {
			t.Fatal(err)
		}
	}
	if _, _, err := det.Run(context.Background(), make([]float32, 3*64*64), []int64{1, 3, 64, 64}); !errors.Is(err, onnx.ErrClosed) {
		t.Errorf("after Close: %v", err)
	}
	if _, err := rt.Net(onnx.Detector); !errors.Is(err, onnx.ErrClosed) {
		t.Errorf("Net after Close: %v", err)
	}
}
