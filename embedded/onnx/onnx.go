// Package onnx owns ONNX Runtime and the models that Recto ships with: both
// travel inside the binary. It guarantees that a model is loaded on first use
// only, that every model has a digest that names its exact bytes, and that one
// Net may run in several goroutines at once, each run on one thread.
//
// It never looks at what goes in or comes out, never writes outside Config.CacheDir
// (and there only where the system forbids anonymous files), and never downloads.
package onnx

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"sync"

	ort "github.com/yalue/onnxruntime_go"
)

// Config says how to load the library.
type Config struct {
	// CacheDir is a folder for the unpacked library on systems that forbid
	// executable anonymous files. It is created with mode 0700 when needed and
	// must not be mounted noexec. Empty: no fallback.
	CacheDir string
}

// Runtime hands out nets. It is safe for concurrent use.
type Runtime struct {
	cfg Config

	mu     sync.Mutex
	closed bool
	nets   map[string]*Net
}

// ErrClosed is returned by nets of a closed Runtime.
var ErrClosed = errors.New("onnx: runtime is closed")

// Open prepares a Runtime. It reads nothing yet: the library and each model are
// loaded by the first Run that needs them, so a node that only meets text pages
// never pays for them.
func Open(cfg Config) (*Runtime, error) {
	return &Runtime{cfg: cfg, nets: map[string]*Net{}}, nil
}

// Net gives the model called name; all callers share it. The known names are
// the keys of the shipped models: Detector and Recogniser.
func (rt *Runtime) Net(name string) (*Net, error) {
	rt.mu.Lock()
	defer rt.mu.Unlock()
	if rt.closed {
		return nil, ErrClosed
	}
	if n, ok := rt.nets[name]; ok {
		return n, nil
	}
	model, ok := models[name]
	if !ok {
		return nil, fmt.Errorf("onnx: no model is called %q", name)
	}
	sum := sha256.Sum256(model)
	n := &Net{rt: rt, model: model, digest: name + "@sha256:" + hex.EncodeToString(sum[:8])}
	rt.nets[name] = n
	return n, nil
}

// Close waits for runs under way and frees the models. Nets fail with ErrClosed
// afterwards. The library itself stays mapped until the process ends.
func (rt *Runtime) Close() error {
	rt.mu.Lock()
	defer rt.mu.Unlock()
	if rt.closed {
		return nil
	}
	rt.closed = true
	var errs []error
	for name, n := range rt.nets {
		if err := n.close(); err != nil {
			errs = append(errs, fmt.Errorf("free model %s: %w", name, err))
		}
	}
	return errors.Join(errs...)
}

// Net is one model with one input and one output, both float32 tensors.
type Net struct {
	rt     *Runtime
	model  []byte
	digest string

	mu      sync.RWMutex // read: a run is under way; write: loading or closing
	closed  bool
	session *ort.DynamicAdvancedSession
}

// Digest is name@sha256: and the first 16 hexadecimal digits of the SHA-256 of
// the model as shipped.
func (n *Net) Digest() string { return n.digest }

// Run computes the net's answer to in, which has the given shape, and gives the
// output with its shape. in is not changed and not kept. A cancelled ctx is
// honoured before the run starts; a run takes milliseconds.
func (n *Net) Run(ctx context.Context, in []float32, shape []int64) (out []float32, outShape []int64, err error) {
	if err := ctx.Err(); err != nil {
		return nil, nil, err
	}
	if err := n.open(); err != nil {
		return nil, nil, err
	}
	n.mu.RLock()
	defer n.mu.RUnlock()
	if n.closed {
		return nil, nil, ErrClosed
	}
	input, err := ort.NewTensor(ort.NewShape(shape...), in)
	if err != nil {
		return nil, nil, fmt.Errorf("make input of %s: %w", n.digest, err)
	}
	defer input.Destroy()
	outputs := []ort.Value{nil}
	if err := n.session.Run([]ort.Value{input}, outputs); err != nil {
		return nil, nil, fmt.Errorf("run %s: %w", n.digest, err)
	}
	defer outputs[0].Destroy()
	t, ok := outputs[0].(*ort.Tensor[float32])
	if !ok {
		return nil, nil, fmt.Errorf("run %s: output is not a float tensor", n.digest)
	}
	return append([]float32(nil), t.GetData()...), append([]int64(nil), t.GetShape()...), nil
}

// open loads the model once. A failure is not remembered, so that a transient
// one (out of memory) does not outlive its cause.
func (n *Net) open() error {
	n.mu.RLock()
	ready := n.session != nil || n.closed
	n.mu.RUnlock()
	if ready {
		return nil
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.session != nil || n.closed {
		return nil
	}
	if err := load(n.rt.cfg.CacheDir); err != nil {
		return err
	}
	s, err := newSession(n.model)
	if err != nil {
		return fmt.Errorf("load %s: %w", n.digest, err)
	}
	n.session = s
	return nil
}

func (n *Net) close() error {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.closed = true
	if n.session == nil {
		return nil
	}
	err := n.session.Destroy()
	n.session = nil
	return err
}

// newSession loads a model for runs on the caller's thread alone: Recto works
// on several pages at once, which uses the cores better than threads within a
// net. Pages and lines differ in size each time, so a plan of memory per shape
// would only pile up.
func newSession(model []byte) (*ort.DynamicAdvancedSession, error) {
	opts, err := ort.NewSessionOptions()
	if err != nil {
		return nil, fmt.Errorf("make options: %w", err)
	}
	defer opts.Destroy()
	if err := errors.Join(
		opts.SetIntraOpNumThreads(1),
		opts.SetInterOpNumThreads(1),
		opts.SetMemPattern(false),
		opts.AddSessionConfigEntry("session.intra_op.allow_spinning", "0"),
		opts.AddSessionConfigEntry("session.inter_op.allow_spinning", "0"),
	); err != nil {
		return nil, fmt.Errorf("set options: %w", err)
	}
	ins, outs, err := ort.GetInputOutputInfoWithONNXData(model)
	if err != nil {
		return nil, fmt.Errorf("inspect model: %w", err)
	}
	if len(ins) != 1 || len(outs) != 1 {
		return nil, fmt.Errorf("model has %d inputs and %d outputs, want one each", len(ins), len(outs))
	}
	return ort.NewDynamicAdvancedSessionWithONNXData(model, []string{ins[0].Name}, []string{outs[0].Name}, opts)
}
