package eval_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/recto-edge/recto/node/doc"
	"github.com/recto-edge/recto/node/eval"
)

// vendors makes cases: the i-th vendor has sizes[i] documents.
func vendors(sizes ...int) []eval.Case {
	var out []eval.Case
	for v, n := range sizes {
		for i := range n {
			id := fmt.Sprintf("v%d-%d", v, i)
			out = append(out, eval.Case{ID: id, Path: id, Vendor: fmt.Sprintf("Vendor %d Ltd.", v), Labels: raw(`{"total":"1.00"}`)})
		}
	}
	return out
}

func TestFoldsShareNoVendor(t *testing.T) {
	cases := vendors(9, 7, 5, 4, 4, 3, 3, 2, 2, 2, 1, 1, 1, 1, 1)
	cases[0].Vendor = "VENDOR 0, LTD" // written in another way
	folds, err := eval.Folds(cases, 5, 1, nil)
	if err != nil {
		t.Fatal(err)
	}
	fold := map[string]int{}
	seen := make([]int, len(cases))
	for f, members := range folds {
		if n := len(members); n < 8 || n > 10 {
			t.Errorf("fold %d has %d of %d cases", f, n, len(cases))
		}
		for _, i := range members {
			seen[i]++
			v := eval.Vendor(cases[i])
			if before, ok := fold[v]; ok && before != f {
				t.Errorf("vendor %s is in folds %d and %d", v, before, f)
			}
			fold[v] = f
		}
	}
	if slices.ContainsFunc(seen, func(n int) bool { return n != 1 }) {
		t.Errorf("cases are in so many folds: %v", seen)
	}
	again, _ := eval.Folds(cases, 5, 1, nil)
	if d := cmp.Diff(folds, again); d != "" {
		t.Errorf("the same seed gives other folds:\n%s", d)
	}
	other, _ := eval.Folds(cases, 5, 2, nil)
	if cmp.Diff(folds, other) == "" {
		t.Error("another seed gives the same folds")
	}
}

func TestFoldsRefuse(t *testing.T) {
	unknown := vendors(2, 2)
	for i := range unknown {
		unknown[i].Vendor = " – "
	}
	for name, c := range map[string]struct {
		cases []eval.Case
		k     int
		want  string
	}{
		"one vendor":        {vendors(12), 3, "all 12 cases are of one vendor"},
		"too few vendors":   {vendors(5, 5), 3, "2 vendors cannot be parted into 3 folds"},
		"no vendor known":   {unknown, 2, "no vendor is known"},
		"nothing":           {nil, 2, "no vendor is known"},
		"one fold":          {vendors(2, 2), 1, "two are the least"},
		"one and a nothing": {append(vendors(3), eval.Case{ID: "x"}), 3, "2 vendors cannot"},
	} {
		_, err := eval.Folds(c.cases, c.k, 1, nil)
		if doc.CodeOf(err) != doc.Invalid || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: error %v, want code invalid and %q", name, err, c.want)
		}
	}
	if _, err := eval.RandomFolds(1, 2, 1); doc.CodeOf(err) != doc.Invalid {
		t.Errorf("more random folds than cases: error %v", err)
	}
}

func TestGroupBy(t *testing.T) {
	c := eval.Case{Notes: map[string]string{"template": "A-1"}, Labels: raw(`{"seller":"Blue Door","total":12}`)}
	got := []string{eval.GroupBy("template")(c), eval.GroupBy("seller")(c), eval.GroupBy("total")(c), eval.GroupBy("none")(c)}
	if d := cmp.Diff([]string{"A1", "BLUEDOOR", "", ""}, got); d != "" {
		t.Errorf("groups (-want +got):\n%s", d)
	}
}

// TestSaying: what a record or its label says picks a case, however it is written.
func TestSaying(t *testing.T) {
	c := eval.Case{Notes: map[string]string{"layout": "Letter head"}, Labels: raw(`{"seller":"Blue Door"}`)}
	for only, want := range map[string]bool{"": true, "layout=letter-HEAD": true, "layout=list": false, "seller=blue door": true, "none=x": false} {
		in, err := eval.Saying(only)
		if err != nil || in(c) != want {
			t.Errorf("%q: %v, want %v", only, err, want)
		}
	}
	for _, only := range []string{"layout", "=letter", "layout="} {
		if _, err := eval.Saying(only); doc.CodeOf(err) != doc.Invalid {
			t.Errorf("%q: error %v, want code invalid", only, err)
		}
	}
}

// TestCrossValidateNeverTrainsOnWhatItReads: the reader answers what it saw in
// training, so that a leak would be a right answer.
func TestCrossValidateNeverTrainsOnWhatItReads(t *testing.T) {
	cases := vendors(4, 3, 3, 2, 2, 2)
	fit := func(_ context.Context, train []eval.Case) (eval.Read, error) {
		saw := map[string]bool{}
		for _, c := range train {
			saw[c.ID], saw[c.Vendor] = true, true
		}
		return func(_ context.Context, c eval.Case) (eval.Answer, error) {
			if saw[c.ID] {
				return eval.Answer{}, errors.New("trained on " + c.ID)
			}
			if saw[c.Vendor] {
				return answer(field("total", "1.00", doc.Money, 0.9, true)), nil
			}
			return answer(field("total", "2.00", doc.Money, 0.4, false)), nil
		}, nil
	}
	run := func(folds [][]int, err error) eval.Report {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		total := 0
		out, err := eval.CrossValidate(context.Background(), cases, folds, nil, fit, eval.RunOptions{Workers: 3, Progress: func(_ string, done, of int) { total = done*100 + of }})
		if err != nil || len(out) != len(cases) || total != 1616 {
			t.Fatalf("%d outcomes of %d, progress %d: %v", len(out), len(cases), total, err)
		}
		for _, o := range out {
			if o.Err != nil || o.Fold == 0 {
				t.Errorf("%s in fold %d: %v", o.ID, o.Fold, o.Err)
			}
		}
		return eval.Score(cases, out, eval.Options{Types: []doc.Type{slip}, Form: form})
	}
	unseen := run(eval.Folds(cases, 3, 1, nil))
	if len(unseen.Parts) != 1 || unseen.Parts[0].Name != eval.Unseen || unseen.Parts[0].Of != 16 || unseen.Micro.Right != 0 {
		t.Errorf("folds by vendor: %+v", unseen.Parts)
	}
	mixed := run(eval.RandomFolds(len(cases), 8, 1))
	of := map[string]int{}
	for _, p := range mixed.Parts {
		of[p.Name] = p.Of
		if p.Name == eval.Known && (p.Micro.F1 != 1 || p.Accepted != p.Of || p.SilentErrors != 0 || p.AcceptedLower != eval.Lower(p.Of, p.Of)) {
			t.Errorf("known: %+v", p)
		}
		if p.Name == eval.Unseen && (p.Micro.Right != 0 || p.Accepted != 0) {
			t.Errorf("unseen: %+v", p)
		}
	}
	if of[eval.Known] < 8 || of[eval.Known]+of[eval.Unseen] != 16 {
		t.Errorf("random folds: %v known and unseen", of)
	}
}

func TestCrossValidateStops(t *testing.T) {
	cases := vendors(1, 1, 1)
	folds := [][]int{{2}, {1}, {0}}
	boom := errors.New("boom")
	n := 0
	out, err := eval.CrossValidate(context.Background(), cases, folds, nil, func(context.Context, []eval.Case) (eval.Read, error) {
		if n++; n == 2 {
			return nil, boom
		}
		return func(context.Context, eval.Case) (eval.Answer, error) { return eval.Answer{}, nil }, nil
	}, eval.RunOptions{})
	if !errors.Is(err, boom) || !strings.Contains(err.Error(), "fold 2 of 3") || len(out) != 1 {
		t.Errorf("training failed: %d outcomes, error %v", len(out), err)
	}
	ctx, cancel := context.WithCancelCause(context.Background())
	out, err = eval.CrossValidate(ctx, cases, folds, nil, func(context.Context, []eval.Case) (eval.Read, error) {
		return func(context.Context, eval.Case) (eval.Answer, error) {
			cancel(boom)
			return eval.Answer{}, nil
		}, nil
	}, eval.RunOptions{})
	if !errors.Is(err, boom) || len(out) != 1 {
		t.Errorf("context ended: %d outcomes, error %v", len(out), err)
	}
}
