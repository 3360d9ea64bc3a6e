package cluster

import (
	"bufio"
	"bytes"
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "write the golden files anew")

// goldenLog reads commands as they stand in logs that exist: they must be
// understood for ever.
func goldenLog(t *testing.T, path string) []Command {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	var out []Command
	lines := bufio.NewScanner(f)
	for lines.Scan() {
		c, err := decode(lines.Bytes())
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, c)
	}
	if len(out) < 8 {
		t.Fatalf("the golden log has %d commands", len(out))
	}
	return out
}

func written(t *testing.T, s *State) string {
	t.Helper()
	var b bytes.Buffer
	if err := s.Write(&b); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func TestGoldenLogs(t *testing.T) {
	for _, version := range []string{"v1", "v2"} {
		t.Run(version, func(t *testing.T) { golden(t, "testdata/log-"+version+".jsonl", "testdata/state-"+version+".json") })
	}
}

func golden(t *testing.T, logFile, stateFile string) {
	a, b := NewState(), NewState()
	for i, c := range goldenLog(t, logFile) {
		if ra, rb := a.Apply(c), b.Apply(c); ra != rb {
			t.Fatalf("command %d: results differ: %+v, %+v", i, ra, rb)
		}
	}
	got := written(t, a)
	if diff := cmp.Diff(got, written(t, b)); diff != "" {
		t.Fatalf("the same log gave two states:\n%s", diff)
	}
	if *update {
		if err := os.WriteFile(stateFile, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(stateFile)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Fatalf("the golden log gives another state:\n%s", diff)
	}
	restored, err := ReadState(bytes.NewReader(want))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(got, written(t, restored)); diff != "" {
		t.Fatalf("write, read, write differs:\n%s", diff)
	}
	for _, c := range append(goldenLog(t, logFile), Command{Op: OpPut, Kind: "user", Key: "new", Value: []byte("x"), At: time.Unix(0, 0)}) {
		if ra, rr := a.Apply(c), restored.Apply(c); ra != rr {
			t.Fatalf("the restored state goes on differently: %+v, %+v", ra, rr)
		}
	}
}

// A proposal that comes again is answered as the first time, and changes nothing.
func TestRepeatedProposal(t *testing.T) {
	s := NewState()
	put := func(id, value string, expect uint64) Result {
		return s.Apply(Command{Op: OpPut, Kind: "k", Key: "k", Value: []byte(value), Expect: expect, ID: id})
	}
	first := put("p1", "a", AnyVersion)
	if other := put("p2", "b", AnyVersion); other.Version != first.Version+1 {
		t.Fatalf("got %+v after %+v", other, first)
	}
	if again := put("p1", "a", AnyVersion); again != first {
		t.Fatalf("repeated: %+v, the first time %+v", again, first)
	}
	conflict := put("p3", "c", 99)
	if again := put("p3", "c", 99); !conflict.Conflict || again != conflict {
		t.Fatalf("repeated: %+v, the first time %+v", again, conflict)
	}
	if e, _ := s.Get("k", "k"); string(e.Value) != "b" {
		t.Fatalf("got %s", e.Value)
	}
	restored, err := ReadState(strings.NewReader(written(t, s)))
	if err != nil {
		t.Fatal(err)
	}
	s = restored
	if again := put("p1", "a", AnyVersion); again != first {
		t.Fatalf("after a snapshot: %+v, the first time %+v", again, first)
	}
	for i := range remembered {
		put(fmt.Sprint("q", i), "x", AnyVersion)
	}
	if again := put("p1", "a", AnyVersion); again == first || len(s.recent) != remembered {
		t.Fatalf("%d proposals are remembered", len(s.recent))
	}
}

func TestFence(t *testing.T) {
	s := NewState()
	s.Apply(Command{Op: OpEpoch})
	put := func(fence uint64) Result {
		return s.Apply(Command{Op: OpPut, Kind: "k", Key: "k", Expect: AnyVersion, Fence: fence})
	}
	if r := put(1); r.Fenced || r.Version != 1 {
		t.Fatalf("in its epoch: %+v", r)
	}
	s.Apply(Command{Op: OpEpoch})
	for _, fence := range []uint64{1, 3} {
		if r := put(fence); r != (Result{Fenced: true}) {
			t.Fatalf("fence %d in epoch 2: %+v", fence, r)
		}
	}
	if r := put(0); r.Fenced || r.Version != 2 {
		t.Fatalf("without a fence: %+v", r)
	}
}

func TestCompareAndSet(t *testing.T) {
	s := NewState()
	put := func(value string, expect uint64) Result {
		return s.Apply(Command{Op: OpPut, Kind: "user", Key: "anna", Value: []byte(value), Expect: expect})
	}
	del := func(expect uint64) Result {
		return s.Apply(Command{Op: OpDelete, Kind: "user", Key: "anna", Expect: expect})
	}
	steps := []struct {
		got  func() Result
		want Result
	}{
		{func() Result { return put("a", 1) }, Result{Version: 0, Conflict: true}},
		{func() Result { return put("a", 0) }, Result{Version: 1}},
		{func() Result { return put("b", 0) }, Result{Version: 1, Conflict: true}},
		{func() Result { return put("b", 1) }, Result{Version: 2}},
		{func() Result { return del(1) }, Result{Version: 2, Conflict: true}},
		{func() Result { return put("c", AnyVersion) }, Result{Version: 3}},
		{func() Result { return del(3) }, Result{}},
		{func() Result { return put("d", 3) }, Result{Conflict: true}},
		{func() Result { return put("d", 0) }, Result{Version: 4}}, // not 1: an old version never holds again
	}
	for i, step := range steps {
		if got := step.got(); got != step.want {
			t.Fatalf("step %d: got %+v, want %+v", i, got, step.want)
		}
	}
	if e, ok := s.Get("user", "anna"); !ok || string(e.Value) != "d" {
		t.Fatalf("got %+v", e)
	}
	if _, ok := s.Get("key", "anna"); ok {
		t.Fatal("kinds are mixed up")
	}
}

func TestValuesAreCopies(t *testing.T) {
	s := NewState()
	value := []byte("right")
	s.Apply(Command{Op: OpPut, Kind: "k", Key: "k", Value: value})
	value[0] = 'X'
	e, _ := s.Get("k", "k")
	e.Value[1] = 'X'
	if e := s.List("k")[0]; string(e.Value) != "right" {
		t.Fatalf("the state was changed from outside: %q", e.Value)
	}
}

func TestUnknownCommandPanics(t *testing.T) {
	for _, c := range []Command{{Op: 250}, {Op: OpCheck}, {Op: OpBatch, Batch: []Command{{Op: OpBatch}}}, {Op: OpBatch, Batch: []Command{{Op: OpEpoch}}}} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("%+v was passed over", c)
				}
			}()
			NewState().Apply(c)
		}()
	}
}

func TestUnknownFieldIsNoCommand(t *testing.T) {
	if _, err := decode([]byte(`{"op":2,"kind":"k","key":"k","ttl":5}`)); err == nil {
		t.Fatal("a command of a later version was read as one of this")
	}
}

func FuzzReadState(f *testing.F) {
	for _, path := range []string{"testdata/state-v1.json", "testdata/state-v2.json"} {
		golden, err := os.ReadFile(path)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(golden)
	}
	f.Add([]byte(`{"format":3}`))
	f.Add([]byte(`{"format":1,"recent":[{"id":"x","version":1}]}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		s, err := ReadState(bytes.NewReader(data))
		if err != nil {
			return
		}
		again, err := ReadState(bytes.NewReader([]byte(written(t, s))))
		if err != nil {
			t.Fatalf("what was read and written cannot be read: %v", err)
		}
		if diff := cmp.Diff(written(t, s), written(t, again)); diff != "" {
			t.Fatal(diff)
		}
	})
}
