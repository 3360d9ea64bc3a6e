package cluster

import (
	"bufio"
	"bytes"
	"flag"
	"os"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "write the golden files anew")

// goldenLog reads commands as they stand in logs that exist: they must be
// understood for ever.
func goldenLog(t *testing.T) []Command {
	t.Helper()
	f, err := os.Open("testdata/log-v1.jsonl")
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

func TestGoldenLog(t *testing.T) {
	a, b := NewState(), NewState()
	log := goldenLog(t)
	if len(log) < 8 {
		t.Fatalf("the golden log has %d commands", len(log))
	}
	for i, c := range log {
		if ra, rb := a.Apply(c), b.Apply(c); ra != rb {
			t.Fatalf("command %d: results differ: %+v, %+v", i, ra, rb)
		}
	}
	got := written(t, a)
	if diff := cmp.Diff(got, written(t, b)); diff != "" {
		t.Fatalf("the same log gave two states:\n%s", diff)
	}
	const golden = "testdata/state-v1.json"
	if *update {
		if err := os.WriteFile(golden, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
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
	c := Command{Op: OpPut, Kind: "user", Key: "new", Value: []byte("x"), At: time.Unix(0, 0)}
	if ra, rr := a.Apply(c), restored.Apply(c); ra != rr {
		t.Fatalf("the restored state goes on differently: %+v, %+v", ra, rr)
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
	defer func() {
		if recover() == nil {
			t.Fatal("an unknown command was passed over")
		}
	}()
	NewState().Apply(Command{Op: 250})
}

func TestUnknownFieldIsNoCommand(t *testing.T) {
	if _, err := decode([]byte(`{"op":2,"kind":"k","key":"k","ttl":5}`)); err == nil {
		t.Fatal("a command of a later version was read as one of this")
	}
}

func FuzzReadState(f *testing.F) {
	golden, err := os.ReadFile("testdata/state-v1.json")
	if err != nil {
		f.Fatal(err)
	}
	f.Add(golden)
	f.Add([]byte(`{"format":2}`))
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
